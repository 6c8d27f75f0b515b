// The command line of supervisord, which is handed to confread word by word.
//
// Parsed by code of our own and not by Boost.Program_options: that refuses `-c -n` and `--user=`, and refuses
// a repeated option before anybody can word the error; all messages would have to be translated. The rules
// are those of getopt: options may be bundled and carry attached values, long options may be shortened,
// parsing stops at the first word that is no option.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/messages.hpp"

namespace reeve {

enum class Action { Run, Help, Version, CheckConfig };

// What the command line says. A value that is set overrides the file's.
struct CommandLine {
    std::string program;  // argv[0]
    Action action = Action::Run;
    std::optional<std::string> configuration;
    bool nodaemon = false, silent = false, nocleanup = false, strip_ansi = false;
    std::optional<std::string> user;
    std::optional<std::int64_t> umask;
    std::optional<std::string> directory;
    std::optional<std::string> logfile;  // never empty
    std::optional<std::int64_t> logfile_maxbytes;
    std::optional<std::int64_t> logfile_backups;
    std::optional<Level> loglevel;
    std::optional<std::string> pidfile;
    std::optional<std::string> identifier;
    std::optional<std::string> childlogdir;
    std::optional<std::int64_t> minfds;
    std::optional<std::int64_t> minprocs;
};

// words[0] is the program's name as invoked. Throws ConfigError.
CommandLine parse_command_line(const std::vector<std::string>& words);

std::string help_text(const std::string& program);

}  // namespace reeve
