// Quoting as the reference's messages have it. See py_repr.hpp.
#include "common/text/py_repr.hpp"

#include <cstdio>

namespace reeve {
namespace {

void append_hex(std::string& out, const char* form, unsigned value) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, form, value);
    out += buffer;
}

// Not printable beyond ASCII: controls, separators other than the blank, format characters, surrogates,
// private use, and noncharacters. A subset of the Unicode tables that covers what log lines meet.
bool printable(char32_t c) {
    if (c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD) return false;
    if ((c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x206F))
        return false;
    if (c == 0x1680 || c == 0x180E || c == 0x3000 || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB))
        return false;
    if (c >= 0xD800 && c <= 0xF8FF) return false;
    if ((c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF)) return false;
    return c < 0xE0000 || (c >= 0xE0100 && c <= 0xE01EF);
}

char quote_for(std::string_view text) {
    bool single = text.find('\'') != std::string_view::npos;
    return single && text.find('"') == std::string_view::npos ? '"' : '\'';
}

// Appends a character that looks the same in both kinds of literal; false if it needs more care.
bool append_common(std::string& out, char32_t c, char quote) {
    switch (c) {
        case '\\': out += "\\\\"; return true;
        case '\t': out += "\\t"; return true;
        case '\n': out += "\\n"; return true;
        case '\r': out += "\\r"; return true;
        default: break;
    }
    if (c == static_cast<unsigned char>(quote)) {
        out += '\\';
        out += quote;
        return true;
    }
    if (c >= 0x20 && c < 0x7F) {
        out += static_cast<char>(c);
        return true;
    }
    return false;
}

}  // namespace

char32_t decode_utf8(std::string_view text, std::size_t& pos) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char first = byte(pos);
    if (first < 0x80) {
        ++pos;
        return first;
    }
    std::size_t length = first >= 0xF0 && first <= 0xF4  ? 4
                         : first >= 0xE0 && first < 0xF0 ? 3
                         : first >= 0xC2 && first < 0xE0 ? 2
                                                         : 0;
    if (length == 0 || text.size() - pos < length) {
        ++pos;
        return kInvalidUtf8;
    }
    char32_t value = first & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(pos + i) & 0xC0) != 0x80) {
            ++pos;
            return kInvalidUtf8;
        }
        value = (value << 6) | (byte(pos + i) & 0x3Fu);
    }
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        ++pos;
        return kInvalidUtf8;
    }
    pos += length;
    return value;
}

bool is_utf8(std::string_view text) {
    for (std::size_t pos = 0; pos < text.size();) {
        if (decode_utf8(text, pos) == kInvalidUtf8) return false;
    }
    return true;
}

std::size_t count_characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t pos = 0; pos < text.size(); ++count) decode_utf8(text, pos);
    return count;
}

std::string py_repr(std::string_view text) {
    char quote = quote_for(text);
    std::string out(1, quote);
    for (std::size_t pos = 0; pos < text.size();) {
        std::size_t start = pos;
        char32_t c = decode_utf8(text, pos);
        if (c == kInvalidUtf8) {
            append_hex(out, "\\x%02x", static_cast<unsigned char>(text[start]));
        } else if (append_common(out, c, quote)) {
            continue;
        } else if (c >= 0x80 && printable(c)) {
            out += text.substr(start, pos - start);
        } else if (c < 0x100) {
            append_hex(out, "\\x%02x", static_cast<unsigned>(c));
        } else {
            append_hex(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", static_cast<unsigned>(c));
        }
    }
    return out + quote;
}

std::string py_repr_bytes(std::string_view bytes) {
    char quote = quote_for(bytes);
    std::string out = std::string("b") + quote;
    for (char raw : bytes) {
        auto c = static_cast<unsigned char>(raw);
        if (!append_common(out, c, quote)) append_hex(out, "\\x%02x", c);
    }
    return out + quote;
}

}  // namespace reeve
