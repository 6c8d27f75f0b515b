// Characters as the configuration's dialect sees them: white space and case by Unicode, text in UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace reeve {

bool is_unicode_space(char32_t c);
// Without white space at both ends, at the end.
std::string_view trim(std::string_view text);
std::string_view trim_end(std::string_view text);
// In lower, upper case, character by character.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
// The value of a decimal digit of any script, or -1.
int digit_value(char32_t c);
void append_utf8(std::string& out, char32_t c);

}  // namespace reeve
