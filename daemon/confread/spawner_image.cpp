// The spawner's image: what may be run and how. Everything that the spawner must not look up itself is
// resolved here: users, groups, addresses, search paths, complete environments.
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <unordered_map>

#include "daemon/confread/accounts.hpp"
#include "daemon/confread/image_builder.hpp"
#include "daemon/confread/images.hpp"

namespace reeve {
namespace {

// The address of a host, or getaddrinfo's code. Names and "" (all interfaces) have IPv4 addresses; an IPv6
// address is written in brackets.
std::int32_t resolve(std::string host, std::uint16_t port, AddressRec& record) {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = host.empty() ? AI_PASSIVE : 0;
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        hints.ai_family = AF_INET6;
        hints.ai_flags = AI_NUMERICHOST;
    }
    addrinfo* found = nullptr;
    record.family = static_cast<std::uint32_t>(hints.ai_family);
    int error =
        ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) return error;
    record.length = static_cast<std::uint32_t>(found->ai_addrlen);
    if (record.length <= sizeof record.bytes) std::memcpy(record.bytes, found->ai_addr, record.length);
    ::freeaddrinfo(found);
    return 0;
}

class SpawnerWriter {
  public:
    explicit SpawnerWriter(const Configuration& configuration)
        : conf_(configuration),
          image_(ImageKind::Spawner),
          candidates_(configuration),
          shared_(configuration),
          server_url_(server_url(configuration)) {}

    std::vector<std::byte> write() {
        start_environment();
        write_daemon();
        for (const FcgiSetting& fcgi : conf_.fcgi) write_fcgi(fcgi);
        for (const ServerSetting& server : conf_.servers) write_listener(server);
        for (const GroupSetting& group : conf_.groups) write_group(group);
        log_lines_.insert(log_lines_.end(), conf_.lines.begin(), conf_.lines.end());
        for (const Line& line : sorted_lines(log_lines_))
            lines_.push_back({static_cast<std::uint32_t>(line.level), 0, image_.pool.add(line.text)});
        std::vector<StrRef> namespaces;
        for (const std::string& name : conf_.namespaces) namespaces.push_back(image_.pool.add(name));
        SpawnerTables& t = image_.tables;
        t.groups = image_.place(groups_);
        t.procs = image_.place(procs_);
        t.listeners = image_.place(listeners_);
        t.fcgi = image_.place(fcgi_);
        t.lines = image_.place(lines_);
        t.refs = image_.place(image_.refs);
        t.gids = image_.place(gids_);
        t.namespaces = image_.place(namespaces);
        return image_.bytes();
    }

  private:
    StrRef add(std::string_view text) { return image_.pool.add(text); }
    StrRef add_optional(const std::optional<std::string>& text) {
        return text ? image_.pool.add(*text) : kNoText;
    }

    Identity identity(const Account& account) {
        auto known = identities_.find(account.uid);
        if (known != identities_.end()) return known->second;
        Identity identity{
            account.uid,
            account.gid,
            {static_cast<std::uint32_t>(gids_.size()), static_cast<std::uint32_t>(account.groups.size())}};
        gids_.insert(gids_.end(), account.groups.begin(), account.groups.end());
        identities_.emplace(account.uid, identity);
        return identity;
    }
    Identity identity(const std::optional<std::uint32_t>& uid) {
        return uid ? identity(accounts_.of(*uid)) : kNoIdentity;
    }

    LogRec log(const LogSetting& log, std::uint32_t flags) {
        bool named =
            log.kind == LogKind::File || log.kind == LogKind::Auto || log.kind == LogKind::Descriptor;
        return {log.kind,
                log.descriptor,
                named ? add(log.path) : kNoText,
                log.maxbytes,
                log.backups,
                log.capture,
                flags,
                0};
    }

    void write_daemon() {
        const DaemonSetting& daemon = conf_.daemon;
        DaemonRec& record = image_.tables.daemon;
        record.flags = (daemon.nodaemon ? kDaemonNodaemon : 0) | (daemon.silent ? kDaemonSilent : 0) |
                       (daemon.nocleanup ? kDaemonNocleanup : 0) |
                       (daemon.log_symlinks ? kDaemonLogSymlinks : 0);
        record.loglevel = static_cast<std::uint32_t>(daemon.loglevel);
        record.umask = daemon.umask;
        record.identifier = add(daemon.identifier);
        record.config_file = add(daemon.config_file);
        record.directory = add_optional(daemon.directory);
        record.childlogdir = add(daemon.childlogdir);
        record.pidfile = add(daemon.pidfile);
        record.minfds = daemon.minfds;
        record.minprocs = daemon.minprocs;
        record.log = log(daemon.log, shared_.contains(daemon.log) ? kStreamShared : 0);
        record.identity = identity(daemon.uid);
        write_parts(record);
    }

    // Accounts of the parts, which must not be root. Without root there is nothing to choose.
    void write_parts(DaemonRec& record) {
        constexpr const char* kNames[3] = {"supervisor-engine", "supervisor-rpc", "supervisor-log"};
        bool as_root = ::getuid() == 0 && conf_.daemon.uid.value_or(0) == 0;
        std::string missing;
        for (int i = 0; i < 3; ++i) {
            record.parts[i] = ::getuid() == 0 && !as_root ? record.identity : kNoIdentity;
            if (!as_root) continue;
            std::optional<Account> account = find_account(kNames[i]);
            if (!account || account->uid == 0) {
                missing += (missing.empty() ? "" : ", ") + std::string(kNames[i]);
                account = find_account("nobody");
            }
            record.parts[i] = identity(account.value_or(Account{65534, 65534, {65534}}));
        }
        if (missing.empty()) return;
        log_lines_.push_back({Level::Warn, "There is no account " + missing +
                                               "; these parts of supervisord run as nobody "
                                               "(see supervisor-privsep(7))"});
    }

    void write_fcgi(const FcgiSetting& fcgi) {
        FcgiRec record{};
        record.url = add(fcgi.address.url());
        record.path = image_.pool.add_unless_empty(fcgi.address.path);
        if (fcgi.address.path.empty()) {
            record.resolve_error = resolve(fcgi.address.host, fcgi.address.port, record.address);
        } else {
            record.address.family = AF_UNIX;
            record.address.length = sizeof(sockaddr_un);
        }
        record.backlog = fcgi.backlog;
        record.mode = fcgi.mode;
        record.uid = fcgi.uid;
        record.gid = fcgi.gid;
        fcgi_.push_back(record);
    }

    void write_listener(const ServerSetting& server) {
        ListenerRec record{};
        record.section = add(server.section);
        record.path = image_.pool.add_unless_empty(server.path);
        record.shown = add(server.path.empty() ? server.inet.host : server.path);
        if (server.path.empty()) {
            record.resolve_error = resolve(server.inet.host, server.inet.port, record.address);
            record.port = server.inet.port;
        } else {
            record.address.family = AF_UNIX;
            record.address.length = sizeof(sockaddr_un);
        }
        record.mode = server.mode;
        record.uid = server.uid;
        record.gid = server.gid;
        record.authenticated = server.username.empty() ? 0 : 1;
        record.limits = server.limits;
        record.allowed_hosts = image_.pool.add_unless_empty(server.allowed_hosts);
        listeners_.push_back(record);
    }

    void write_group(const GroupSetting& group) {
        auto index = static_cast<std::uint32_t>(groups_.size());
        groups_.push_back({add(group.name),
                           {static_cast<std::uint32_t>(procs_.size()),
                            static_cast<std::uint32_t>(group.processes.size())}});
        for (const ProcessSetting& process : group.processes) write_process(process, index);
    }

    void write_process(const ProcessSetting& process, std::uint32_t group) {
        const ProgramSetting& program = *process.program;
        ProcRec record{};
        record.name = add(process.name);
        record.group_name = groups_[group].name;
        record.group = group;
        record.kind = program.kind;
        record.command_status = process.command_status;
        record.flags = program.redirect_stderr ? kProcRedirectStderr : 0;
        std::vector<StrRef> words;
        for (const std::string& word : process.words) words.push_back(add(word));
        record.argv = limited(words, process, "arguments");
        record.env = limited(environment_of(process, conf_.groups[group].name), process, "variables");
        if (!process.words.empty()) record.candidates = image_.add_list(candidates_.of(process));
        record.directory = add_optional(process.directory);
        record.umask = program.umask.value_or(kAbsent);
        record.fcgi = program.fcgi;
        record.identity = identity(program.uid);
        record.out = log(process.out, stream_flags(process.out, process, conf_.daemon, shared_));
        record.err = log(process.err, stream_flags(process.err, process, conf_.daemon, shared_));
        if (program.kind == ProgramKind::EventListener) record.out.capture_max = 0;
        procs_.push_back(record);
    }

    Range limited(const std::vector<StrRef>& list, const ProcessSetting& process, const char* what) {
        if (list.size() > kMaxArgv) throw ConfigError("process '" + process.name + "' has too many " + what);
        return image_.add_refs(list);
    }

    // The environment that all processes begin with: supervisord's own and SUPERVISOR_ENABLED.
    void start_environment() {
        Environment base = conf_.environment;
        set_variable(base, "SUPERVISOR_ENABLED", "1");
        for (const auto& [name, value] : base) {
            base_index_.emplace(name, base_.size());
            base_.push_back(add(name + "=" + value));
        }
    }

    std::vector<StrRef> environment_of(const ProcessSetting& process, const std::string& group) {
        std::vector<StrRef> list = base_;
        std::unordered_map<std::string, std::size_t> added;
        auto set = [&](const std::string& name, const std::string& value) {
            StrRef ref = add(name + "=" + value);
            auto base = base_index_.find(name);
            if (base != base_index_.end()) {
                list[base->second] = ref;
                return;
            }
            auto [place, is_new] = added.emplace(name, list.size());
            if (is_new) {
                list.push_back(ref);
            } else {
                list[place->second] = ref;
            }
        };
        std::string url = process.program->serverurl.value_or(server_url_);
        if (!url.empty()) set("SUPERVISOR_SERVER_URL", url);
        set("SUPERVISOR_PROCESS_NAME", process.name);
        set("SUPERVISOR_GROUP_NAME", group);
        for (const auto& [name, value] : process.environment) set(name, value);
        return list;
    }

    static constexpr Identity kNoIdentity = {kAbsent, kAbsent, {0, 0}};  // no change of identity

    const Configuration& conf_;
    ImageBuilder<SpawnerTables> image_;
    Candidates candidates_;
    SharedLogs shared_;
    std::string server_url_;
    Accounts accounts_;
    std::unordered_map<std::uint32_t, Identity> identities_;
    std::vector<StrRef> base_;
    std::unordered_map<std::string, std::size_t> base_index_;
    std::vector<std::uint32_t> gids_;
    std::vector<GroupRec> groups_;
    std::vector<ProcRec> procs_;
    std::vector<ListenerRec> listeners_;
    std::vector<FcgiRec> fcgi_;
    std::vector<Line> log_lines_;
    std::vector<LineRec> lines_;
};

}  // namespace

std::vector<std::byte> spawner_image(const Configuration& configuration) {
    return SpawnerWriter(configuration).write();
}

}  // namespace reeve
