// Lines, names, numbers. See words.hpp.
#include "ctl/words.hpp"

#include <algorithm>
#include <limits>

#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"

namespace reeve::ctl {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

ParsedLine parse_line(std::string_view stripped) {
    std::string line(stripped);
    if (line.starts_with("?")) line = "help " + line.substr(1);
    std::size_t end = 0;
    while (end < line.size() && (is_letter(line[end]) || is_digit(line[end]) || line[end] == '_')) ++end;
    return {line.substr(0, end), strip(std::string_view(line).substr(end))};
}

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    std::size_t start = 0;
    for (std::size_t pos = 0; pos <= text.size();) {
        std::size_t next = pos;
        bool end = pos == text.size() || is_unicode_space(decode_utf8(text, next));
        if (end && pos > start) words.emplace_back(text.substr(start, pos - start));
        if (pos == text.size()) break;
        pos = next;
        if (end) start = pos;
    }
    return words;
}

std::string strip(std::string_view text) { return std::string(trim(text)); }

bool names_all(const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), "all") != names.end();
}

ProcessName split_name(std::string_view text) {
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return {std::string(text), std::string(text)};
    std::string_view process = text.substr(colon + 1);
    if (process.empty() || process == "*") return {std::string(text.substr(0, colon)), std::nullopt};
    return {std::string(text.substr(0, colon)), std::string(process)};
}

std::string join_name(const std::string& group, const std::string& process) {
    return group == process ? process : group + ":" + process;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::string digits = strip(text);
    bool negative = digits.starts_with("-");
    if (negative || digits.starts_with("+")) digits.erase(0, 1);
    if (digits.empty() || !is_digit(digits.front()) || !is_digit(digits.back())) return std::nullopt;
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    std::int64_t value = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (digits[i] == '_' && digits[i - 1] != '_') continue;
        if (!is_digit(digits[i])) return std::nullopt;
        int digit = digits[i] - '0';
        value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
    }
    return negative ? -value : value;
}

std::string escape_path(std::string_view text) {
    constexpr std::string_view kPlain = "-._~:*/";
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (char c : text) {
        if (is_letter(c) || is_digit(c) || kPlain.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
    return out;
}

}  // namespace reeve::ctl
