// [supervisord]: the daemon's own settings, overridden by the command line.
//
// A value in the file is checked even when the command line overrides it, as it always was; only user= is not
// looked at then.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf/paths.hpp"
#include "daemon/confread/context.hpp"
#include "daemon/confread/log_target.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {
namespace {

// Where AUTO logs go without childlogdir=: the first directory of the usual ones that can be written.
std::string temporary_directory() {
    std::vector<std::string> candidates;
    for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
        const char* value = ::getenv(name);
        if (value != nullptr && *value != '\0') candidates.emplace_back(value);
    }
    for (const char* path : {"/tmp", "/var/tmp", "/usr/tmp", "."}) candidates.emplace_back(path);
    for (const std::string& path : candidates) {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
            (::geteuid() == 0 || ::access(path.c_str(), W_OK | X_OK) == 0))
            return absolute_path(path);
    }
    throw ConfigError("No usable temporary directory found; set childlogdir= in [supervisord]");
}

// One of two words.
bool choice(const SectionReader& reader, Key<Type::Choice> key, std::string_view yes, std::string_view no) {
    std::string value = reader.required(key);
    if (value != yes && value != no)
        reader.fail("must be '" + std::string(no) + "' or '" + std::string(yes) + "', not '" + value + "'",
                    key.row->key);
    return value == yes;
}

void read_main_log(Context& context, const SectionReader& reader) {
    const CommandLine& line = context.line;
    DaemonSetting& daemon = context.out.daemon;
    std::string path = *reader.converted<Type::DirPath>("supervisord.logfile", parse_existing_dirpath);
    std::int64_t maxbytes = reader.byte_size("supervisord.logfile_maxbytes");
    std::int32_t backups = reader.small_integer("supervisord.logfile_backups");
    path = line.logfile.value_or(path);
    set_log_target(daemon.log, path == "syslog" ? path : absolute_path(path));
    if (path == "syslog") daemon.log.kind = LogKind::Syslog;
    daemon.log.maxbytes = line.logfile_maxbytes.value_or(maxbytes);
    daemon.log.backups = line.logfile_backups ? clamp_to_int32(*line.logfile_backups) : backups;
}

void read_settings(Context& context, SectionReader& reader) {
    const CommandLine& line = context.line;
    DaemonSetting& daemon = context.out.daemon;
    daemon.minfds = line.minfds.value_or(reader.integer("supervisord.minfds"));
    daemon.minprocs = line.minprocs.value_or(reader.integer("supervisord.minprocs"));
    std::optional<std::string> directory =
        reader.converted<Type::Directory>("supervisord.directory", parse_existing_directory);
    daemon.directory = line.directory ? line.directory : directory;
    if (!line.user) daemon.user_text = reader.text<Type::User>("supervisord.user").value_or("");
    std::int64_t umask = *reader.converted<Type::Octal>("supervisord.umask", parse_octal);
    daemon.umask = static_cast<std::uint32_t>(line.umask.value_or(umask)) & 07777;
    read_main_log(context, reader);
    Level level = *reader.converted<Type::LogLevel>("supervisord.loglevel", parse_loglevel);
    daemon.loglevel = line.loglevel.value_or(level);
    std::string pidfile = *reader.converted<Type::DirPath>("supervisord.pidfile", parse_existing_dirpath);
    daemon.pidfile = absolute_path(line.pidfile.value_or(pidfile));
    daemon.identifier = line.identifier.value_or(reader.required<Type::Text>("supervisord.identifier"));
    daemon.nodaemon = reader.boolean("supervisord.nodaemon") || line.nodaemon;
    daemon.silent = reader.boolean("supervisord.silent") || line.silent;
    std::optional<std::string> childlogdir =
        reader.converted<Type::Directory>("supervisord.childlogdir", parse_existing_directory);
    if (line.childlogdir) childlogdir = line.childlogdir;
    daemon.childlogdir = childlogdir ? absolute_path(*childlogdir) : temporary_directory();
    daemon.nocleanup = reader.boolean("supervisord.nocleanup") || line.nocleanup;
    daemon.strip_ansi = reader.boolean("supervisord.strip_ansi") || line.strip_ansi;
    daemon.log_symlinks = choice(reader, "supervisord.log_symlinks", "allow", "refuse");
    daemon.ignore_plugins = choice(reader, "supervisord.unknown_plugins", "warn", "refuse");
}

}  // namespace

void read_daemon(Context& context) {
    SectionReader reader(context.file.section("supervisord"), context.here);
    reader.collect(context.collector());
    context.attempt([&] { read_settings(context, reader); });
    context.attempt([&] {
        reader.use(context.host);
        Environment variables =
            *reader.converted<Type::Variables>("supervisord.environment", parse_environment, "environment");
        context.environment.set_environment(variables);
        context.out.daemon_environment = std::move(variables);
    });
}

}  // namespace reeve
