// The options of supervisorctl, with the rules of the classic getopt: options end at the first word that is
// none, so that `tail -f x` and `pid -h` reach their actions untouched.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::ctl {

struct CommandLine {
    bool help = false;  // nothing else counts then
    bool interactive = false;
    std::optional<std::string> configuration;  // -c; "" means: no file at all
    std::optional<std::string> server_url;
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::vector<std::string> words;  // the action and its arguments
};

// `words` is the command line without the program. Throws UsageError.
CommandLine parse_command_line(std::span<const std::string> words);

// Whether a text has a scheme, and a host or a path: all that is asked of -s.
bool is_url(std::string_view text);
// The scheme in lower case; "" if there is none.
std::string url_scheme(std::string_view url);

// What -h prints. `program` is how this program was called.
std::string usage_text(const std::string& program);

}  // namespace reeve::ctl
