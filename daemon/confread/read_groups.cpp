// Groups: those of [group:x], and one for each program, event listener and FastCGI program that is in none.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/conf/suggest.hpp"
#include "common/conf/unicode.hpp"
#include "common/text/event_types.hpp"
#include "daemon/confread/accounts.hpp"
#include "daemon/confread/context.hpp"
#include "daemon/confread/read_program.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {
namespace {

class GroupReader {
  public:
    explicit GroupReader(Context& context) : context_(context), sections_(context.file.sections()) {}

    void read() {
        each("group:", [this](const Section& section) { read_group(section); });
        each("program:", [this](const Section& section) { read_single(section, ProgramKind::Program); });
        each("eventlistener:", [this](const Section& section) { read_listener(section); });
        each("fcgi-program:", [this](const Section& section) { read_single(section, ProgramKind::Fcgi); });
        finish();
    }

  private:
    template <typename Read>
    void each(std::string_view prefix, Read read) {
        for (const Section& section : sections_) {
            if (!section.name().starts_with(prefix) || members_.contains(section.name())) continue;
            context_.attempt([&] { read(section); });
        }
    }
    static std::string after_colon(const Section& section) {
        return section.name().substr(section.name().find(':') + 1);
    }
    std::string checked_name(const SectionReader& reader) const {
        return reader.guarded("", [&] { return parse_name(after_colon(reader.section())); });
    }

    // Processes of one name: the later one takes the place of the earlier.
    void add_processes(GroupSetting& group, std::vector<ProcessSetting> processes) {
        std::map<std::string, std::size_t> places;
        const std::string* replaced = nullptr;
        for (std::size_t i = 0; i < group.processes.size(); ++i) places.emplace(group.processes[i].name, i);
        for (ProcessSetting& process : processes) {
            auto [place, is_new] = places.emplace(process.name, group.processes.size());
            if (is_new) {
                group.processes.push_back(std::move(process));
            } else {
                group.processes[place->second] = std::move(process);
                replaced = &place->first;
            }
        }
        if (replaced != nullptr) {
            context_.warn("Group '" + group.name + "' has several processes of the name '" + *replaced +
                          "'; only the last one is used");
        }
    }

    void read_group(const Section& section) {
        SectionReader reader(section, context_.here);
        reader.collect(context_.collector());
        GroupSetting group;
        group.name = checked_name(reader);
        std::vector<std::string> programs =
            reader.converted<Type::List>("group.programs", parse_list).value_or(std::vector<std::string>());
        group.priority = reader.small_integer("group.priority");
        std::string blamed = section.name();
        for (const std::string& name : programs) {
            Section program = context_.file.section("program:" + name);
            Section fcgi = context_.file.section("fcgi-program:" + name);
            if (program && fcgi) {
                reader.fail(
                    "[" + blamed + "] name " + name + " is ambiguous (exists as program and fcgi-program)",
                    "programs");
            }
            if (!program && !fcgi) {
                reader.fail("[" + blamed + "] names unknown program or fcgi-program " + name, "programs",
                            suggest_program(name));
            }
            const Section& member = program ? program : fcgi;
            // The next error names this member's section, as it always did.
            blamed = member.name();
            members_.insert(member.name());
            std::uint32_t socket = kAbsent;
            ProgramKind kind = ProgramKind::Program;
            if (fcgi && fcgi.find("socket") != nullptr) {
                socket = read_fcgi_socket(SectionReader(fcgi, context_.here));
                kind = ProgramKind::Fcgi;
            }
            add_processes(group, read_processes(context_, member, kind, group.name, socket));
        }
        groups_.push_back(std::move(group));
    }

    std::string suggest_program(const std::string& name) const {
        std::vector<std::string_view> known;
        for (const Section& section : sections_) {
            for (std::string_view prefix : {"program:", "fcgi-program:"}) {
                if (section.name().starts_with(prefix))
                    known.push_back(std::string_view(section.name()).substr(prefix.size()));
            }
        }
        return did_you_mean(name, known);
    }

    void read_single(const Section& section, ProgramKind kind) {
        SectionReader reader(section, context_.here);
        reader.collect(context_.collector());
        GroupSetting group;
        group.kind = kind;
        group.name = checked_name(reader);
        group.priority = reader.small_integer("program.priority");
        std::uint32_t socket = kAbsent;
        if (kind == ProgramKind::Fcgi) {
            socket = read_fcgi_socket(reader);
            group.fcgi_url = context_.out.fcgi[socket].address.url();
        }
        add_processes(group, read_processes(context_, section, kind, group.name, socket));
        groups_.push_back(std::move(group));
    }

    void read_listener(const Section& section) {
        SectionReader reader(section, context_.here);
        reader.collect(context_.collector());
        GroupSetting group;
        group.kind = ProgramKind::EventListener;
        group.name = after_colon(section);  // neither trimmed nor checked
        group.priority = reader.small_integer("eventlistener.priority");
        group.buffer_size = reader.integer("eventlistener.buffer_size");
        std::string shown = "[" + section.name() + "]";
        if (group.buffer_size < 1) {
            reader.fail(
                shown + " section sets invalid buffer_size (" + std::to_string(group.buffer_size) + ")",
                "buffer_size");
        }
        std::string handler(trim(reader.required<Type::Factory>("eventlistener.result_handler")));
        if (handler != kDefaultHandler) refuse_plugin(context_, section, "result_handler", handler);
        group.events = read_events(reader);
        if (reader.boolean("eventlistener.redirect_stderr")) {
            reader.fail(shown +
                            " section sets redirect_stderr=true but this is not allowed because it will "
                            "interfere with the eventlistener protocol",
                        "redirect_stderr");
        }
        add_processes(group, read_processes(context_, section, ProgramKind::EventListener, group.name));
        groups_.push_back(std::move(group));
    }

    static std::uint64_t read_events(const SectionReader& reader) {
        std::string shown = "[" + reader.name() + "]";
        std::optional<std::vector<std::string>> names =
            reader.converted<Type::List>("eventlistener.events", parse_list);
        if (!names || names->empty()) reader.fail(shown + " section requires an \"events\" line", "");
        std::uint64_t bits = 0;
        for (const std::string& name : *names) {
            std::optional<EventType> type = parse_event_type(name);
            if (!type) {
                std::vector<std::string_view> known;
                for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(EventType::Count); ++i)
                    known.push_back(event_type_name(EventType{i}));
                std::string upper = to_upper(name);
                reader.fail("Unknown event type " + upper + " in " + shown + " events", "events",
                            did_you_mean(upper, known));
            }
            bits |= event_bit(*type);
        }
        return bits;
    }

    // The index of the section's socket. A program in two groups has one socket.
    std::uint32_t read_fcgi_socket(SectionReader reader) {
        auto known = sockets_.find(reader.name());
        if (known != sockets_.end()) return known->second;
        FcgiSetting fcgi;
        std::optional<uid_t> user = reader.converted<Type::User>("program.user", parse_user);
        auto backlog = reader.converted<Type::Integer>("fcgi-program.socket_backlog", parse_integer);
        if (backlog && (*backlog < 1 || *backlog > 65535))
            reader.fail("Invalid socket_backlog value " + std::to_string(*backlog), "socket_backlog");
        fcgi.backlog = static_cast<std::uint32_t>(backlog.value_or(SOMAXCONN));
        bool owner_or_mode = read_socket_owner(reader, fcgi, user);
        Names names(&context_.here);
        names.set("program_name", std::string(trim(after_colon(reader.section()))));
        reader.use(names);
        std::optional<std::string> socket = reader.text<Type::FcgiSocket>("fcgi-program.socket");
        std::string shown = "[" + reader.name() + "]";
        if (!socket || socket->empty()) reader.fail(shown + " section requires a \"socket\" line");
        try {
            fcgi.address = parse_fcgi_address(*socket);
            if (fcgi.address.path.empty() && owner_or_mode) {
                throw ConfigError(
                    "socket_owner and socket_mode params should only be used with a Unix domain socket");
            }
        } catch (const ConfigError& error) {
            reader.fail(error.what() + (" in " + shown + " socket"), "socket");
        }
        context_.out.fcgi.push_back(std::move(fcgi));
        auto index = static_cast<std::uint32_t>(context_.out.fcgi.size() - 1);
        sockets_.emplace(reader.name(), index);
        return index;
    }

    // True if the section says something about owner or mode.
    static bool read_socket_owner(const SectionReader& reader, FcgiSetting& fcgi, std::optional<uid_t> user) {
        std::optional<std::string> owner = reader.text<Type::Owner>("fcgi-program.socket_owner");
        if (owner) {
            try {
                Owner parsed = parse_owner(*owner);
                fcgi.uid = parsed.uid;
                fcgi.gid = parsed.gid.value_or(kAbsent);
            } catch (const ConfigError& error) {
                reader.fail("Invalid socket_owner value " + *owner, "socket_owner",
                            std::string(": ") + error.what());
            }
        } else if (user && *user != ::getuid()) {
            fcgi.uid = *user;
            fcgi.gid = primary_group(*user);
        }
        std::string mode = reader.required<Type::Octal>("fcgi-program.socket_mode");
        try {
            fcgi.mode = static_cast<std::uint32_t>(parse_octal(mode)) & 07777;
        } catch (const ConfigError&) {
            reader.fail("Invalid socket_mode value " + mode, "socket_mode",
                        SectionReader::expected(Type::Octal));
        }
        return owner.has_value() || reader.section().find("socket_mode") != nullptr;
    }

    // Order is (priority, name); of several groups of one name the first counts.
    void finish() {
        std::stable_sort(groups_.begin(), groups_.end(), [](const GroupSetting& a, const GroupSetting& b) {
            return a.priority != b.priority ? a.priority < b.priority : a.name < b.name;
        });
        std::set<std::string> names;
        for (GroupSetting& group : groups_) {
            if (names.insert(group.name).second) {
                context_.out.groups.push_back(std::move(group));
            } else {
                context_.warn("There are several groups of the name '" + group.name +
                              "'; only the one that comes first by priority is used");
            }
        }
    }

    Context& context_;
    std::vector<Section> sections_;
    std::set<std::string> members_;  // sections that are in a group, and so no groups of their own
    std::map<std::string, std::uint32_t> sockets_;
    std::vector<GroupSetting> groups_;
};

}  // namespace

void read_groups(Context& context) { GroupReader(context).read(); }

}  // namespace reeve
