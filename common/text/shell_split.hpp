// Splits a command into words with POSIX shell quoting, and nothing else of a shell: no variables, no
// globs, no comments (Supervisor's documentation of `command`: a simple shell-like quoting).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reeve {

enum class SplitResult { Ok, NoClosingQuotation, NoEscapedCharacter };

// Separators are space, TAB, CR, LF. '...' is literal; in "..." a backslash escapes only " and \; outside
// quotes it takes the next character literally. Adjacent pieces join; '' and "" make an empty word.
SplitResult shell_split(std::string_view command, std::vector<std::string>& words);

}  // namespace reeve
