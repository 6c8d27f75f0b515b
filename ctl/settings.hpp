// What supervisorctl works with: the section [supervisorctl] of the configuration file, overridden by
// options. [include] is not followed and other sections are not looked at, so that a mistake in a program's
// section does not keep anybody from controlling the daemon that still runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ctl/command_line.hpp"

namespace reeve::ctl {

struct Settings {
    std::string server_url = "http://localhost:9001";
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::string prompt = "supervisor";
    std::string history_file;             // absolute; "" for none
    std::vector<std::string> ctlplugins;  // names of [ctlplugin:x] sections, which nothing here can load
};

// Finds and reads the file and applies the options. `program` is how this program was called: the file is
// also searched for relative to that. Throws UsageError.
Settings read_settings(const CommandLine& line, const std::string& program);

}  // namespace reeve::ctl
