// The one table of all configuration keys: what may stand in a file, of which type it is, what holds without
// it, and a line of help. The reader takes types and defaults from here, `supervisord --check-config` knows
// from here which keys are unknown, echo_supervisord_conf prints it, and a test compares it with
// supervisord.conf(5).
//
// Adding a key: one row here, its use in daemon/confread, its entry in man/supervisord.conf.5.
#pragma once

#include <cstddef>
#include <string_view>

namespace reeve {

enum class Type {
    Text,
    Path,
    Integer,
    Boolean,
    ByteSize,
    Octal,
    LogLevel,
    Directory,
    DirPath,
    LogFile,
    Signal,
    ExitCodes,
    Autorestart,
    List,
    User,
    Owner,
    Address,
    FcgiSocket,
    Variables,
    Choice,
    Factory,
};

// A section, or a family of sections ("program" stands for [program:x]). Sections of event listeners and of
// FastCGI programs have the keys of "program" as well as their own.
struct Option {
    std::string_view section;
    std::string_view key;
    Type type;
    const char* fallback;  // nullptr: none (not set, or required)
    const char* since;     // the version of Supervisor that brought it, or "Reeve"
    const char* help;
    const char* sample;   // the value that the sample shows; nullptr: the key is not in the sample
    bool active = false;  // in the sample without a leading ';'
};

constexpr const char* kDefaultFactory = "supervisor.rpcinterface:make_main_rpcinterface";
constexpr const char* kDefaultHandler = "supervisor.dispatchers:default_handler";

// Within a section the order is that of the sample.
// clang-format off
inline constexpr Option kOptions[] = {
    {"unix_http_server", "file", Type::Path, nullptr, "3.0", "path of the socket", "/tmp/supervisor.sock", true},
    {"unix_http_server", "chmod", Type::Octal, "0700", "3.0", "mode of the socket; default 0700", "0700"},
    {"unix_http_server", "chown", Type::Owner, nullptr, "3.0", "owner of the socket, user or user:group", "nobody:nogroup"},
    {"unix_http_server", "username", Type::Text, nullptr, "3.0", "default: everybody may connect", "user"},
    {"unix_http_server", "password", Type::Text, nullptr, "3.0", "clear text, or {SHA} and a SHA-1 in hex", "123"},
    {"unix_http_server", "allowed_hosts", Type::Text, nullptr, "Reeve", "Host: names that browsers may use", nullptr},
    {"unix_http_server", "max_connections", Type::Integer, "256", "Reeve", "connections at one time", nullptr},
    {"unix_http_server", "max_body", Type::ByteSize, "8MB", "Reeve", "size of a request's body", nullptr},
    {"unix_http_server", "max_headers", Type::ByteSize, "64KB", "Reeve", "size of all headers of a request", nullptr},
    {"unix_http_server", "max_header_line", Type::ByteSize, "8KB", "Reeve", "size of one header line", nullptr},
    {"unix_http_server", "request_timeout", Type::Integer, "30", "Reeve", "seconds to send a whole request", nullptr},

    {"inet_http_server", "port", Type::Address, nullptr, "3.0", "[host:]port; *:port for all interfaces", "127.0.0.1:9001"},
    {"inet_http_server", "username", Type::Text, nullptr, "3.0", "default: everybody may connect", "user"},
    {"inet_http_server", "password", Type::Text, nullptr, "3.0", "clear text, or {SHA} and a SHA-1 in hex", "123"},
    {"inet_http_server", "allowed_hosts", Type::Text, nullptr, "Reeve", "host names that browsers may use for this server", "server.example.org"},
    {"inet_http_server", "max_connections", Type::Integer, "256", "Reeve", "connections at one time; default 256", "256"},
    {"inet_http_server", "max_body", Type::ByteSize, "8MB", "Reeve", "size of a request's body; default 8MB", "8MB"},
    {"inet_http_server", "max_headers", Type::ByteSize, "64KB", "Reeve", "size of all headers of a request; default 64KB", "64KB"},
    {"inet_http_server", "max_header_line", Type::ByteSize, "8KB", "Reeve", "size of one header line; default 8KB", "8KB"},
    {"inet_http_server", "request_timeout", Type::Integer, "30", "Reeve", "seconds to send a whole request; default 30", "30"},

    {"supervisord", "logfile", Type::DirPath, "supervisord.log", "3.0", "main log; default supervisord.log here", "/tmp/supervisord.log", true},
    {"supervisord", "logfile_maxbytes", Type::ByteSize, "50MB", "3.0", "size at which it is rotated, 0: never; default 50MB", "50MB", true},
    {"supervisord", "logfile_backups", Type::Integer, "10", "3.0", "rotated files to keep; default 10", "10", true},
    {"supervisord", "loglevel", Type::LogLevel, "info", "3.0", "critical error warn info debug trace blather", "info", true},
    {"supervisord", "pidfile", Type::DirPath, "supervisord.pid", "3.0", "default supervisord.pid here", "/tmp/supervisord.pid", true},
    {"supervisord", "nodaemon", Type::Boolean, "false", "3.0", "stay in the foreground; default false", "false", true},
    {"supervisord", "silent", Type::Boolean, "false", "4.2.0", "no log on stdout in the foreground; default false", "false", true},
    {"supervisord", "minfds", Type::Integer, "1024", "3.0", "file descriptors needed; default 1024", "1024", true},
    {"supervisord", "minprocs", Type::Integer, "200", "3.0", "processes needed; default 200", "200", true},
    {"supervisord", "umask", Type::Octal, "022", "3.0", "umask of the daemon; default 022", "022"},
    {"supervisord", "user", Type::User, nullptr, "3.0", "run as this user; recommended if started by root", "supervisord"},
    {"supervisord", "identifier", Type::Text, "supervisor", "3.0", "name of this instance; default supervisor", "supervisor"},
    {"supervisord", "directory", Type::Directory, nullptr, "3.0", "working directory of the daemon; default: unchanged", "/tmp"},
    {"supervisord", "nocleanup", Type::Boolean, "false", "3.0", "keep the AUTO logs of former runs; default false", "true"},
    {"supervisord", "childlogdir", Type::Directory, nullptr, "3.0", "for AUTO logs; default $TMPDIR or /tmp", "/tmp"},
    {"supervisord", "environment", Type::Variables, "", "3.0", "variables for all programs", "KEY=\"value\""},
    {"supervisord", "strip_ansi", Type::Boolean, "false", "3.0", "no escape sequences in program logs; default false", "false"},
    {"supervisord", "log_symlinks", Type::Choice, "refuse", "Reeve", "allow: logs may be symbolic links of anybody's; default refuse", "refuse"},
    {"supervisord", "unknown_plugins", Type::Choice, "refuse", "Reeve", "warn: start without them; default refuse", "refuse"},

    {"rpcinterface", "supervisor.rpcinterface_factory", Type::Factory, nullptr, "3.0", "", kDefaultFactory, true},

    {"supervisorctl", "serverurl", Type::Text, "http://localhost:9001", "3.0", "unix:// and a path, or http:// host:port", "unix:///tmp/supervisor.sock", true},
    {"supervisorctl", "username", Type::Text, nullptr, "3.0", "as in the server's section", "chris"},
    {"supervisorctl", "password", Type::Text, nullptr, "3.0", "as in the server's section, in clear text", "123"},
    {"supervisorctl", "prompt", Type::Text, "supervisor", "3.0", "prompt of the shell; default supervisor", "mysupervisor"},
    {"supervisorctl", "history_file", Type::Path, nullptr, "3.0a5", "keep the history of the shell here", "~/.sc_history"},
    {"ctlplugin", "supervisor.ctl_factory", Type::Factory, nullptr, "3.0", "", nullptr},

    {"program", "command", Type::Text, nullptr, "3.0", "the program, looked for in PATH, and its arguments", "/bin/cat"},
    {"program", "process_name", Type::Text, "%(program_name)s", "3.0", "name of the process; with numprocs add %(process_num)d", "%(program_name)s"},
    {"program", "numprocs", Type::Integer, "1", "3.0", "how many processes; default 1", "1"},
    {"program", "numprocs_start", Type::Integer, "0", "3.0", "number of the first process; default 0", "0"},
    {"program", "directory", Type::Text, nullptr, "3.0", "working directory; default: supervisord's", "/tmp"},
    {"program", "umask", Type::Octal, nullptr, "3.0", "default: supervisord's", "022"},
    {"program", "priority", Type::Integer, "999", "3.0", "low ones start first and stop last; default 999", "999"},
    {"program", "autostart", Type::Boolean, "true", "3.0", "start with supervisord; default true", "true"},
    {"program", "startsecs", Type::Integer, "1", "3.0", "seconds to stay up to count as started; default 1", "1"},
    {"program", "startretries", Type::Integer, "3", "3.0", "further tries after a failed start; default 3", "3"},
    {"program", "autorestart", Type::Autorestart, "unexpected", "3.0", "true, false, or only after unexpected exits", "unexpected"},
    {"program", "exitcodes", Type::ExitCodes, "0", "3.0", "exit codes that are expected; default 0", "0"},
    {"program", "stopsignal", Type::Signal, "TERM", "3.0", "signal to stop it with; default TERM", "QUIT"},
    {"program", "stopwaitsecs", Type::Integer, "10", "3.0", "seconds to wait before SIGKILL; default 10", "10"},
    {"program", "stopasgroup", Type::Boolean, "false", "3.0b1", "signal the whole process group; default false", "false"},
    {"program", "killasgroup", Type::Boolean, nullptr, "3.0a11", "SIGKILL to the whole process group; default: stopasgroup", "false"},
    {"program", "user", Type::User, nullptr, "3.0", "run as this user; default: supervisord's", "chrism"},
    {"program", "redirect_stderr", Type::Boolean, "false", "3.0", "send stderr where stdout goes; default false", "true"},
    {"program", "stdout_logfile", Type::LogFile, "AUTO", "3.0", "path, NONE or AUTO; default AUTO", "/a/path"},
    {"program", "stdout_logfile_maxbytes", Type::ByteSize, "50MB", "3.0", "size at which it is rotated, 0: never; default 50MB", "1MB"},
    {"program", "stdout_logfile_backups", Type::Integer, "10", "3.0", "rotated files to keep; default 10", "10"},
    {"program", "stdout_capture_maxbytes", Type::ByteSize, "0", "3.0", "size of captured messages, 0: no capture; default 0", "1MB"},
    {"program", "stdout_events_enabled", Type::Boolean, "false", "3.0a7", "an event for each output; default false", "false"},
    {"program", "stdout_syslog", Type::Boolean, "false", "4.0.0", "each line to syslog as well; default false", "false"},
    {"program", "stderr_logfile", Type::LogFile, "AUTO", "3.0", "path, NONE or AUTO; default AUTO", "/a/path"},
    {"program", "stderr_logfile_maxbytes", Type::ByteSize, "50MB", "3.0", "size at which it is rotated, 0: never; default 50MB", "1MB"},
    {"program", "stderr_logfile_backups", Type::Integer, "10", "3.0", "rotated files to keep; default 10", "10"},
    {"program", "stderr_capture_maxbytes", Type::ByteSize, "0", "3.0", "size of captured messages, 0: no capture; default 0", "1MB"},
    {"program", "stderr_events_enabled", Type::Boolean, "false", "3.0a7", "an event for each output; default false", "false"},
    {"program", "stderr_syslog", Type::Boolean, "false", "4.0.0", "each line to syslog as well; default false", "false"},
    {"program", "environment", Type::Variables, "", "3.0", "variables for this program", "A=\"1\",B=\"2\""},
    {"program", "serverurl", Type::Text, "AUTO", "3.0", "SUPERVISOR_SERVER_URL; AUTO: of the first server", "AUTO"},

    {"eventlistener", "events", Type::List, nullptr, "3.0", "event types, with commas; required", "EVENT"},
    {"eventlistener", "buffer_size", Type::Integer, "1024", "3.0", "events to keep while it is busy; default 1024", "1024"},
    {"eventlistener", "priority", Type::Integer, "-1", "3.0", "low ones start first and stop last; default -1", "-1"},
    {"eventlistener", "redirect_stderr", Type::Boolean, "false", "3.0", "must be false: stdout is for the protocol", "false"},
    {"eventlistener", "result_handler", Type::Factory, kDefaultHandler, "3.0", "only the default is known", nullptr},

    {"fcgi-program", "socket", Type::FcgiSocket, nullptr, "3.0", "tcp://host:port or unix:///path; required", "unix:///tmp/fcgi.sock"},
    {"fcgi-program", "socket_backlog", Type::Integer, nullptr, "3.4.0", "connections that may wait; default: the system's", "1024"},
    {"fcgi-program", "socket_owner", Type::Owner, nullptr, "3.0", "of a unix socket, user or user:group; default: user=", "www-data"},
    {"fcgi-program", "socket_mode", Type::Octal, "0700", "3.0", "of a unix socket; default 0700", "0700"},

    {"group", "programs", Type::List, nullptr, "3.0", "names x of [program:x], with commas", "progname1,progname2"},
    {"group", "priority", Type::Integer, "999", "3.0", "low ones start first and stop last; default 999", "999"},

    {"include", "files", Type::Text, nullptr, "3.0", "", "relative/directory/*.ini"},
};
// clang-format on

// The row of a key; nullptr if there is none.
constexpr const Option* find_option(std::string_view section, std::string_view key) {
    for (const Option& option : kOptions) {
        if (option.section == section && option.key == key) return &option;
    }
    return nullptr;
}

// A key named in the code as "section.key". One that is not in the table, or not of that type, does not
// compile.
template <Type kType>
struct Key {
    const Option* row;
    consteval Key(const char* name) : row(nullptr) {
        std::string_view text = name;
        std::size_t dot = text.find('.');
        // Not by find_option(): g++ with a sanitizer takes no comparison of pointers for a constant.
        for (const Option& option : kOptions) {
            bool same = option.section == text.substr(0, dot) && option.key == text.substr(dot + 1);
            if (!same) continue;
            if (option.type != kType) throw "a key of another type";
            row = &option;
            return;
        }
        throw "no such key";
    }
};

}  // namespace reeve
