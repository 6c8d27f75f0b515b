// What both images derive from the configuration: candidates, shared logs, server URL, definition hashes.
#include <algorithm>
#include <cstring>

#include "common/conf/paths.hpp"
#include "daemon/confread/images.hpp"

namespace reeve {
namespace {

const std::string* find_variable(const Environment& environment, std::string_view name) {
    for (const auto& [key, value] : environment) {
        if (key == name) return &value;
    }
    return nullptr;
}

// Two independent 64-bit hashes of the same bytes. They tell versions of one file apart; nobody gains
// anything by a collision.
class Hasher {
  public:
    void text(std::string_view text) {
        number(text.size());
        for (char c : text) byte(static_cast<unsigned char>(c));
    }
    template <typename Number>
    void number(Number value) {
        auto wide = static_cast<std::uint64_t>(value);
        for (int i = 0; i < 8; ++i, wide >>= 8) byte(static_cast<unsigned char>(wide & 0xFF));
    }
    template <typename Number>
    void optional(const std::optional<Number>& value) {
        number(value.has_value());
        number(value.value_or(Number{}));
    }
    void optional(const std::optional<std::string>& value) {
        number(value.has_value());
        text(value.value_or(""));
    }
    std::pair<std::uint64_t, std::uint64_t> result() const { return {one_, two_}; }

  private:
    void byte(unsigned char value) {
        one_ = (one_ ^ value) * 0x100000001b3;
        two_ = (two_ + value + 1) * 0x9E3779B97F4A7C15;
        two_ ^= two_ >> 29;
    }
    std::uint64_t one_ = 0xcbf29ce484222325;
    std::uint64_t two_ = 0;
};

void hash_log(Hasher& hash, const LogSetting& log) {
    hash.number(log.capture);
    hash.number(log.events);
    hash.number(log.syslog);
    hash.number(log.backups);
    hash.number(log.maxbytes);
}

}  // namespace

Candidates::Candidates(const Configuration& configuration) {
    const std::string* own = find_variable(configuration.environment, "PATH");
    path_ = own != nullptr && !own->empty() ? *own : "/bin:/usr/bin:/usr/local/bin";
}

std::vector<std::string> Candidates::of(const ProcessSetting& process) const {
    const std::string& word = process.words.front();
    if (word.find('/') != std::string::npos) return {word};
    const std::string* own = find_variable(process.environment, "PATH");
    const std::string& path = own != nullptr ? *own : path_;
    std::vector<std::string> files;
    for (std::size_t pos = 0;;) {
        std::size_t colon = path.find(':', pos);
        std::string folder = path.substr(pos, colon - pos);
        files.push_back(join_path(folder, word));
        if (colon == std::string::npos) return files;
        pos = colon + 1;
    }
}

SharedLogs::SharedLogs(const Configuration& configuration) {
    auto count = [this](const LogSetting& log) {
        if (log.kind == LogKind::File) ++uses_[absolute_path(log.path)];
    };
    count(configuration.daemon.log);
    for (const GroupSetting& group : configuration.groups) {
        for (const ProcessSetting& process : group.processes) {
            count(process.out);
            count(process.err);
        }
    }
}

bool SharedLogs::contains(const LogSetting& log) const {
    if (log.kind != LogKind::File) return false;
    auto found = uses_.find(absolute_path(log.path));
    return found != uses_.end() && found->second > 1;
}

std::uint32_t stream_flags(const LogSetting& log, const ProcessSetting& process, const DaemonSetting& daemon,
                           const SharedLogs& shared) {
    std::uint32_t flags = shared.contains(log) ? kStreamShared : 0;
    if (daemon.strip_ansi) flags |= kStreamStripAnsi;
    if (log.syslog) flags |= kStreamSyslog;
    // The stdout of a listener carries its protocol and makes no events.
    bool protocol = process.program->kind == ProgramKind::EventListener && &log == &process.out;
    if (log.events && !protocol) flags |= kStreamEvents;
    return flags;
}

std::string server_url(const Configuration& configuration) {
    std::string url;
    for (const ServerSetting& server : configuration.servers) {  // inet servers come first
        if (!server.path.empty()) return "unix://" + server.path;
        std::string host = server.inet.host.empty() ? "localhost" : server.inet.host;
        url = "http://" + host + ":" + std::to_string(server.inet.port);  // the last one counts
    }
    return url;
}

std::pair<std::uint64_t, std::uint64_t> definition_of(const ProcessSetting& process) {
    const ProgramSetting& program = *process.program;
    Hasher hash;
    hash.number(program.kind);
    hash.text(process.name);
    hash.text(process.command);
    hash.optional(process.directory);
    hash.optional(program.umask);
    hash.optional(program.uid);
    hash.number(program.priority);
    hash.number(program.autostart);
    hash.number(program.autorestart);
    hash.number(program.startsecs);
    hash.number(program.startretries);
    hash.number(program.stopsignal);
    hash.number(program.stopwaitsecs);
    hash.number(program.stopasgroup);
    hash.number(program.killasgroup);
    hash.number(program.redirect_stderr);
    hash.number(program.exitcodes.size());
    for (std::int32_t code : program.exitcodes) hash.number(code);
    hash.optional(program.serverurl);
    hash_log(hash, process.out);
    hash_log(hash, process.err);
    Environment sorted = process.environment;  // the order of variables is no change
    std::sort(sorted.begin(), sorted.end());
    hash.number(sorted.size());
    for (const auto& [name, value] : sorted) {
        hash.text(name);
        hash.text(value);
    }
    return hash.result();
}

std::vector<Line> sorted_lines(const std::vector<Line>& lines) {
    std::vector<Line> sorted = lines;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Line& a, const Line& b) { return a.level > b.level; });
    return sorted;
}

}  // namespace reeve
