// The texts of `spawnerr`. See spawn_error.hpp.
#include "daemon/engine/spawn_error.hpp"

#include <cerrno>
#include <cstring>

#include "common/text/py_repr.hpp"
#include "common/text/signals.hpp"

namespace reeve {
namespace {

std::string system_error(int error) {
    return "[Errno " + std::to_string(error) + "] " + std::strerror(error);
}

std::string not_started(const SpawnError& error, const CommandText& names) {
    std::string quoted = "'" + names.process + "'";
    std::string file =
        py_repr(error.candidate < names.candidates.size() ? names.candidates[error.candidate] : names.argv0);
    std::string log = error.candidate < names.logs.size() ? names.logs[error.candidate] : "";
    switch (error.stage) {
        case Stage::CommandEmpty: return "command is empty";
        case Stage::CommandQuote:
            return "can't parse command " + py_repr(names.command) + ": No closing quotation";
        case Stage::CommandEscape:
            return "can't parse command " + py_repr(names.command) + ": No escaped character";
        case Stage::CommandNotFound: return "can't find command " + py_repr(names.argv0);
        case Stage::CommandDirectory: return "command at " + file + " is a directory";
        case Stage::CommandNotExecutable: return "command at " + file + " is not executable";
        case Stage::CommandPermission: return "no permission to run command " + file;
        case Stage::Pipes:
            if (error.error == EMFILE) return "too many open files to spawn " + quoted;
            return "unknown error making dispatchers for " + quoted + ": " + errno_name(error.error) +
                   (log.empty() ? "" : " (" + log + ")");
        case Stage::LogRule:
            return "the log file " + log + " of " + quoted +
                   " is not opened: it must be a regular file with one link or a device, and no symbolic "
                   "link that others than root could have made (log_symlinks= in [supervisord])";
        case Stage::FcgiSocket:
            return "could not create FastCGI socket" + (names.fcgi_url.empty() ? "" : " " + names.fcgi_url) +
                   " of " + quoted + ": " + system_error(error.error);
        case Stage::Fork:
            if (error.error == EAGAIN) return "Too many processes in process table to spawn " + quoted;
            return "unknown error during fork for " + quoted + ": " + errno_name(error.error);
        default: return "could not start " + quoted;
    }
}

}  // namespace

std::string spawn_error_text(const SpawnError& error, const CommandText& names) {
    switch (error.trouble) {
        case SpawnTrouble::None: return "";
        case SpawnTrouble::NotStarted: return not_started(error, names);
        case SpawnTrouble::TooQuick: return "Exited too quickly (process log may have details)";
        case SpawnTrouble::BadExit: return "Bad exit code " + std::to_string(error.error);
    }
    return "";
}

}  // namespace reeve
