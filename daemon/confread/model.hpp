// The configuration after reading: everything expanded, converted and checked, but not yet an image.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/image.hpp"
#include "common/base/messages.hpp"
#include "common/conf/expand.hpp"
#include "common/conf/values.hpp"

namespace reeve {

struct LogSetting {
    LogKind kind = LogKind::None;
    std::uint32_t descriptor = 0;  // of Descriptor
    std::string path;              // of all kinds but None and Syslog
    std::int64_t maxbytes = 0;
    std::int32_t backups = 0;
    std::uint32_t capture = 0;
    bool events = false;
    bool syslog = false;
};

// What all processes of a section share.
struct ProgramSetting {
    ProgramKind kind = ProgramKind::Program;
    std::string section;
    std::int32_t priority = 0;
    bool autostart = true;
    Autorestart autorestart = Autorestart::Unexpected;
    std::int64_t startsecs = 0;
    std::int64_t startretries = 0;
    std::int64_t stopwaitsecs = 0;
    int stopsignal = 0;
    bool stopasgroup = false;
    bool killasgroup = false;
    bool redirect_stderr = false;
    std::vector<std::int32_t> exitcodes;
    std::optional<std::string> serverurl;  // nullopt: AUTO
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> umask;
    std::uint32_t fcgi = kAbsent;  // index of its FastCGI socket
};

struct ProcessSetting {
    std::shared_ptr<const ProgramSetting> program;
    std::string name;
    std::string command;
    std::vector<std::string> words;  // of the command
    CommandStatus command_status = CommandStatus::Ok;
    std::optional<std::string> directory;
    Environment environment;  // [supervisord]'s with the program's merged over it
    LogSetting out;
    LogSetting err;
};

struct GroupSetting {
    std::string name;
    ProgramKind kind = ProgramKind::Program;
    std::int32_t priority = 0;
    std::vector<ProcessSetting> processes;
    std::uint64_t events = 0;  // bits as event_bit()
    std::int64_t buffer_size = 0;
    std::string fcgi_url;  // of kind Fcgi
};

struct FcgiSetting {
    FcgiAddress address;
    std::uint32_t backlog = 0;
    std::uint32_t mode = 0;
    std::uint32_t uid = kAbsent;
    std::uint32_t gid = kAbsent;
};

struct ServerSetting {
    std::string section;
    std::string path;  // empty: TCP
    InetAddress inet;  // of TCP
    std::uint32_t mode = 0;
    std::uint32_t uid = kAbsent;
    std::uint32_t gid = kAbsent;
    std::string username;  // empty: no authentication
    std::string password;
    std::string allowed_hosts;
    ServerLimits limits{};
};

struct DaemonSetting {
    std::string config_file;
    std::string identifier;
    std::string childlogdir;
    std::string pidfile;
    std::optional<std::string> directory;
    std::uint32_t umask = 0;
    Level loglevel = Level::Info;
    std::int64_t minfds = 0;
    std::int64_t minprocs = 0;
    bool nodaemon = false, silent = false, nocleanup = false, strip_ansi = false;
    bool log_symlinks = false;
    bool ignore_plugins = false;  // unknown_plugins=warn
    LogSetting log;
    std::optional<std::uint32_t> uid;
    std::string user_text;  // of the file
};

struct Line {
    Level level;
    std::string text;
};

struct Configuration {
    DaemonSetting daemon;
    Environment environment;             // of supervisord itself
    Environment daemon_environment;      // environment= of [supervisord]
    std::vector<ServerSetting> servers;  // inet first, then unix: the order in which they are opened
    std::vector<std::string> namespaces;
    std::vector<GroupSetting> groups;  // sorted by (priority, name)
    std::vector<FcgiSetting> fcgi;
    std::vector<Line> lines;  // in order of origin
};

}  // namespace reeve
