// The engine's image: how processes are supervised and what clients may read. No environment, no group list.
#include <sys/socket.h>

#include <tuple>

#include "daemon/confread/image_builder.hpp"
#include "daemon/confread/images.hpp"
#include "reeve_config.hpp"

namespace reeve {
namespace {

class EngineWriter {
  public:
    explicit EngineWriter(const Configuration& configuration)
        : conf_(configuration),
          image_(ImageKind::Engine),
          candidates_(configuration),
          shared_(configuration) {}

    std::vector<std::byte> write() {
        const DaemonSetting& daemon = conf_.daemon;
        image_.tables.daemon = {add(daemon.identifier), add(REEVE_VERSION),
                                static_cast<std::uint32_t>(daemon.loglevel),
                                daemon.strip_ansi ? kViewStripAnsi : 0,
                                log(daemon.log, shared_.contains(daemon.log) ? kStreamShared : 0)};
        std::vector<ServerView> servers;
        for (const ServerSetting& server : conf_.servers) {
            bool open = server.username.empty();
            servers.push_back({add(server.section), open ? kNoText : add(server.username),
                               open ? kNoText : add(server.password),
                               static_cast<std::uint32_t>(server.path.empty() ? AF_INET : AF_UNIX), 0});
        }
        for (const GroupSetting& group : conf_.groups) write_group(group);
        std::vector<StrRef> namespaces;
        for (const std::string& name : conf_.namespaces) namespaces.push_back(add(name));
        EngineTables& t = image_.tables;
        t.groups = image_.place(groups_);
        t.procs = image_.place(procs_);
        t.servers = image_.place(servers);
        t.namespaces = image_.place(namespaces);
        t.refs = image_.place(image_.refs);
        t.numbers = image_.place(numbers_);
        return image_.bytes();
    }

  private:
    StrRef add(std::string_view text) { return image_.pool.add(text); }
    StrRef add_optional(const std::optional<std::string>& text) {
        return text ? image_.pool.add(*text) : kNoText;
    }

    LogView log(const LogSetting& log, std::uint32_t flags) {
        bool named =
            log.kind == LogKind::File || log.kind == LogKind::Auto || log.kind == LogKind::Descriptor;
        return {log.kind, log.backups, named ? add(log.path) : kNoText, log.maxbytes, log.capture, flags};
    }

    void write_group(const GroupSetting& group) {
        auto index = static_cast<std::uint32_t>(groups_.size());
        Range procs{static_cast<std::uint32_t>(procs_.size()),
                    static_cast<std::uint32_t>(group.processes.size())};
        groups_.push_back({add(group.name), group.kind, group.priority, procs, group.events,
                           group.buffer_size, image_.pool.add_unless_empty(group.fcgi_url)});
        for (const ProcessSetting& process : group.processes) write_process(process, index);
    }

    void write_process(const ProcessSetting& process, std::uint32_t group) {
        const ProgramSetting& program = *process.program;
        ProcView view{};
        view.name = add(process.name);
        view.group = group;
        view.kind = program.kind;
        view.command = add(process.command);
        view.argv0 = process.words.empty() ? kNoText : add(process.words.front());
        if (!process.words.empty()) view.candidates = image_.add_list(candidates_.of(process));
        view.command_status = process.command_status;
        view.flags =
            (program.autostart ? kViewAutostart : 0) | (program.redirect_stderr ? kViewRedirectStderr : 0) |
            (program.stopasgroup ? kViewStopAsGroup : 0) | (program.killasgroup ? kViewKillAsGroup : 0);
        view.autorestart = program.autorestart;
        view.priority = program.priority;
        view.startsecs = program.startsecs;
        view.startretries = program.startretries;
        view.stopwaitsecs = program.stopwaitsecs;
        view.stopsignal = static_cast<std::uint32_t>(program.stopsignal);
        view.uid = program.uid.value_or(kAbsent);
        view.exitcodes = {static_cast<std::uint32_t>(numbers_.size()),
                          static_cast<std::uint32_t>(program.exitcodes.size())};
        numbers_.insert(numbers_.end(), program.exitcodes.begin(), program.exitcodes.end());
        view.directory = add_optional(process.directory);
        view.serverurl = add_optional(program.serverurl);
        view.out = log(process.out, stream_flags(process.out, process, conf_.daemon, shared_));
        view.err = log(process.err, stream_flags(process.err, process, conf_.daemon, shared_));
        // Clients are told what is configured, whether it has an effect (stdout of a listener) or not.
        if (process.out.events) view.out.stream_flags |= kStreamEvents;
        std::tie(view.definition[0], view.definition[1]) = definition_of(process);
        procs_.push_back(view);
    }

    const Configuration& conf_;
    ImageBuilder<EngineTables> image_;
    Candidates candidates_;
    SharedLogs shared_;
    std::vector<GroupView> groups_;
    std::vector<ProcView> procs_;
    std::vector<std::int32_t> numbers_;
};

}  // namespace

std::vector<std::byte> engine_image(const Configuration& configuration) {
    return EngineWriter(configuration).write();
}

}  // namespace reeve
