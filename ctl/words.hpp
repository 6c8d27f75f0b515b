// The little languages of supervisorctl: how a line is taken apart, what names of processes and groups mean,
// and numbers as they may be written. No quoting anywhere: words end at white space.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::ctl {

// A line as action and the text behind it. The action is the longest beginning of letters, digits and '_', so
// that "tail-20 x" is `tail` with "-20 x". A leading "?" means `help`.
struct ParsedLine {
    std::string action;
    std::string argument;
};
ParsedLine parse_line(std::string_view stripped);

std::vector<std::string> split_words(std::string_view text);
std::string strip(std::string_view text);

// Whether "all" is among the names: it stands for everything then, and hides the others.
bool names_all(const std::vector<std::string>& names);

// "group:process"; "name" stands for the process of that name in the group of that name; "group:*" and
// "group:" for all of a group.
struct ProcessName {
    std::string group;
    std::optional<std::string> process;  // nullopt: the whole group
};
ProcessName split_name(std::string_view text);
// The short form of a name: "p" if group and process are equal, else "g:p".
std::string join_name(const std::string& group, const std::string& process);

// A number as Python's int() takes it: a sign, blanks around, single '_' between digits. Numbers beyond 64
// bits saturate.
std::optional<std::int64_t> parse_number(std::string_view text);

// A path for an HTTP request: bytes with a meaning of their own there as %XX.
std::string escape_path(std::string_view text);

}  // namespace reeve::ctl
