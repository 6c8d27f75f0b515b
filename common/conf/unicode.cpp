// Characters as the configuration's dialect sees them. See unicode.hpp.
#include "common/conf/unicode.hpp"

#include <locale.h>
#include <wctype.h>

#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

// The zeros of the scripts that have decimal digits; each is followed by its one to nine.
constexpr char32_t kZeros[] = {
    0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,   0xC66,
    0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,
    0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,
    0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
    0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
    0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
};

bool is_ascii(std::string_view text) {
    for (char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

// Case of letters beyond ASCII is the C library's; without its UTF-8 locale they stay as they are.
std::string map_case(std::string_view text, wint_t (*map)(wint_t, locale_t)) {
    locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (locale == nullptr) return std::string(text);
    std::string out;
    for (std::size_t pos = 0; pos < text.size();) {
        std::size_t start = pos;
        char32_t c = decode_utf8(text, pos);
        if (c == kInvalidUtf8) {
            out += text.substr(start, pos - start);
        } else {
            append_utf8(out, static_cast<char32_t>(map(static_cast<wint_t>(c), locale)));
        }
    }
    ::freelocale(locale);
    return out;
}

// The start of the character that ends at `end`.
std::size_t last_character(std::string_view text, std::size_t end) {
    std::size_t start = end - 1;
    while (start > 0 && end - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    return start;
}

}  // namespace

bool is_unicode_space(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

std::string_view trim_end(std::string_view text) {
    while (!text.empty()) {
        std::size_t start = last_character(text, text.size());
        std::size_t pos = start;
        if (!is_unicode_space(decode_utf8(text, pos)) || pos != text.size()) break;
        text = text.substr(0, start);
    }
    return text;
}

std::string_view trim(std::string_view text) {
    text = trim_end(text);
    for (std::size_t pos = 0; pos < text.size();) {
        std::size_t start = pos;
        if (!is_unicode_space(decode_utf8(text, pos))) return text.substr(start);
    }
    return {};
}

std::string to_lower(std::string_view text) {
    if (!is_ascii(text)) return map_case(text, ::towlower_l);
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string to_upper(std::string_view text) {
    if (!is_ascii(text)) return map_case(text, ::towupper_l);
    std::string out(text);
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

int digit_value(char32_t c) {
    for (char32_t zero : kZeros) {
        if (c >= zero && c <= zero + 9) return static_cast<int>(c - zero);
    }
    return -1;
}

void append_utf8(std::string& out, char32_t c) {
    auto put = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

}  // namespace reeve
