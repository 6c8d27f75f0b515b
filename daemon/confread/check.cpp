// supervisord --check-config. See check.hpp.
#include "daemon/confread/check.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "common/conf/options.hpp"
#include "common/conf/suggest.hpp"
#include "common/text/py_repr.hpp"
#include "daemon/confread/images.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {
namespace {

// Families of sections whose names end with a name of the administrator's.
constexpr std::string_view kNamed[] = {"program", "eventlistener", "fcgi-program",
                                       "group",   "rpcinterface",  "ctlplugin"};
constexpr std::string_view kPlain[] = {"supervisord", "supervisorctl", "include"};
constexpr std::string_view kServers[] = {"unix_http_server", "inet_http_server"};

// The family that the table has a section's keys under; "" if the section means nothing.
std::string_view family_of(const std::string& section) {
    for (std::string_view family : kNamed) {
        if (section.starts_with(family) && section.substr(family.size()).starts_with(':')) return family;
    }
    for (std::string_view family : kPlain) {
        if (section == family) return family;
    }
    for (std::string_view family : kServers) {
        if (section.starts_with(family)) return family;
    }
    return "";
}

std::vector<std::string_view> keys_of(std::string_view family) {
    bool is_program = family == "eventlistener" || family == "fcgi-program";
    std::vector<std::string_view> keys;
    for (const Option& option : kOptions) {
        if (option.section == family || (is_program && option.section == "program"))
            keys.push_back(option.key);
    }
    return keys;
}

std::string unknown_section(const Section& section) {
    std::size_t colon = section.name().find(':');
    std::string family = section.name().substr(0, colon);
    std::vector<std::string_view> known;
    for (auto name : kNamed) known.push_back(name);
    for (auto name : kPlain) known.push_back(name);
    for (auto name : kServers) known.push_back(name);
    std::string found = nearest(family, known);
    for (std::string_view name : kNamed) {
        if (family == name && colon == std::string::npos) found = std::string(name);
    }
    if (colon != std::string::npos && !found.empty()) {
        // These have no names after a colon.
        if (std::find(std::begin(kPlain), std::end(kPlain), family) != std::end(kPlain)) found = family;
        if (std::find(std::begin(kPlain), std::end(kPlain), found) == std::end(kPlain))
            found += section.name().substr(colon);
    }
    std::string text = "unknown section [" + section.name() + "] is ignored";
    if (!found.empty() && found == section.name())
        return text + shown_place(section, "") + "; its name is missing";
    return text + shown_place(section, "") + (found.empty() ? "" : "; did you mean [" + found + "]?");
}

void check_keys(const Section& section, std::vector<std::string>& oddities) {
    std::string_view family = family_of(section.name());
    if (family.empty()) {
        oddities.push_back(unknown_section(section));
        return;
    }
    if (family == "rpcinterface" || family == "ctlplugin") return;
    std::vector<std::string_view> keys = keys_of(family);
    for (const Section::Item& item : section.items()) {
        bool known = false;
        for (std::string_view key : keys) known = known || key == *item.key;
        if (known || item.inherited) continue;
        oddities.push_back("unknown key '" + *item.key + "' in [" + section.name() + "] is ignored" +
                           shown_place(section, *item.key) + did_you_mean(*item.key, keys));
    }
}

// Why a command would not start, "" if it would.
std::string command_trouble(const ProcessSetting& process, const Candidates& candidates) {
    switch (process.command_status) {
        case CommandStatus::Ok: break;
        case CommandStatus::Empty: return "command is empty";
        case CommandStatus::NoClosingQuotation:
            return "can't parse command " + py_repr(process.command) + ": No closing quotation";
        case CommandStatus::NoEscapedCharacter:
            return "can't parse command " + py_repr(process.command) + ": No escaped character";
    }
    for (const std::string& file : candidates.of(process)) {
        struct stat info {};
        if (::stat(file.c_str(), &info) != 0) continue;
        if (S_ISDIR(info.st_mode)) return "command at " + py_repr(file) + " is a directory";
        if ((info.st_mode & 0111) == 0) return "command at " + py_repr(file) + " is not executable";
        return "";
    }
    return "can't find command " + py_repr(process.words.front());
}

// Logs that several processes write to: each of them would rotate the file under the others.
void check_logs(const Context& context, std::vector<std::string>& oddities) {
    struct Use {
        const ProcessSetting* process;
        std::string_view key;
    };
    std::map<std::string_view, Use> uses;
    std::set<std::string_view> told;
    for (const GroupSetting& group : context.out.groups) {
        for (const ProcessSetting& process : group.processes) {
            auto look = [&](const LogSetting& log, std::string_view key) {
                if (log.kind != LogKind::File || log.path.starts_with("/dev/")) return;
                auto [first, is_new] = uses.emplace(log.path, Use{&process, key});
                if (is_new || first->second.process == &process || !told.insert(log.path).second) return;
                Section section = context.file.section(process.program->section);
                oddities.push_back("processes '" + first->second.process->name + "' and '" + process.name +
                                   "' log to the same file " + py_repr(log.path) + shown_place(section, key));
            };
            look(process.out, "stdout_logfile");
            look(process.err, "stderr_logfile");
        }
    }
}

void check_processes(const Context& context, std::vector<std::string>& oddities) {
    Candidates candidates(context.out);
    std::set<std::string> told;  // once for all processes of a section
    auto tell = [&](const ProcessSetting& process, const std::string& trouble, std::string_view key) {
        Section section = context.file.section(process.program->section);
        std::string text = "[" + process.program->section + "] " + trouble + shown_place(section, key);
        if (told.insert(text).second) oddities.push_back(text);
    };
    for (const GroupSetting& group : context.out.groups) {
        for (const ProcessSetting& process : group.processes) {
            std::string trouble = command_trouble(process, candidates);
            if (!trouble.empty()) tell(process, trouble, "command");
            struct stat info {};
            if (process.directory &&
                (::stat(process.directory->c_str(), &info) != 0 || !S_ISDIR(info.st_mode)))
                tell(process, "there is no directory " + py_repr(*process.directory), "directory");
        }
    }
}

}  // namespace

std::vector<std::string> find_oddities(const Context& context) {
    std::vector<std::string> oddities;
    for (const Line& line : context.out.lines) {
        if (line.level == Level::Warn) oddities.push_back(line.text);
    }
    for (const Section& section : context.file.sections()) check_keys(section, oddities);
    check_processes(context, oddities);
    check_logs(context, oddities);
    return oddities;
}

}  // namespace reeve
