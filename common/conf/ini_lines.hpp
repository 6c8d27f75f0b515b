// The INI dialect: from the text of one file to its section headers and keys, in order.
//
// Delimiters are = and :, the first one counts. Lines that begin with # or ; are comments, and so is the rest
// of a line after a # or ; with white space before it, quoted or not. A line that is indented deeper than its
// key continues the value, whatever it looks like; blank lines do not end a value. "White space" is
// Unicode's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reeve {

struct IniKey {
    std::string key;     // lower case
    std::string value;   // lines joined with LF, white space at the end removed
    std::uint32_t line;  // of the key
    bool cut;            // a comment ended one of its lines
};
struct IniSection {
    std::string name;
    std::uint32_t line;
    std::vector<IniKey> keys;
};

// Throws SyntaxError: not UTF-8, text before the first section, lines that are neither key nor header.
std::vector<IniSection> parse_ini(std::string_view text, const std::string& file);

// Throws SyntaxError, with the position of the first byte that is no UTF-8, unless all is well.
void require_utf8(std::string_view text, const std::string& file);

}  // namespace reeve
