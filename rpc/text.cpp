// Cleaning, escaping and coding of text. See text.hpp.
#include "rpc/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

void append_utf8(std::string& out, char32_t c) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) return put(c);
    if (c < 0x800) {
        put(0xC0 | (c >> 6));
    } else {
        if (c < 0x10000) {
            put(0xE0 | (c >> 12));
        } else {
            put(0xF0 | (c >> 18));
            put(0x80 | ((c >> 12) & 0x3F));
        }
        put(0x80 | ((c >> 6) & 0x3F));
    }
    put(0x80 | (c & 0x3F));
}

// Bytes that go out as they are, in XML and in HTML.
constexpr std::array<bool, 256> make_plain() {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = true;
    for (const char c : {'\t', '\n', '\r'}) plain[static_cast<unsigned char>(c)] = true;
    for (const char c : {'&', '<', '>', '"', '\''}) plain[static_cast<unsigned char>(c)] = false;
    return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain();

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    std::size_t pos = 0;
    while (pos < text.size()) {
        const std::size_t start = pos;
        while (pos < text.size() && kPlain[static_cast<unsigned char>(text[pos])]) ++pos;
        out.append(text.substr(start, pos - start));
        if (pos == text.size()) return;
        switch (text[pos]) {
            case '&':
                out += "&amp;";
                ++pos;
                continue;
            case '<':
                out += "&lt;";
                ++pos;
                continue;
            case '>':
                out += "&gt;";
                ++pos;
                continue;
            case '"':
                out += quotes ? "&quot;" : "\"";
                ++pos;
                continue;
            case '\'':
                out += quotes ? "&#39;" : "'";
                ++pos;
                continue;
            default: break;
        }
        const std::size_t from = pos;
        const char32_t c = decode_utf8(text, pos);
        if (c == kInvalidUtf8 || c == 0xFFFE || c == 0xFFFF) {
            append_utf8(out, 0xFFFD);
        } else if (c < 0x20) {
            append_utf8(out, 0x2400 + c);
        } else {
            out.append(text.substr(from, pos - from));
        }
    }
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kMaxFields = 100;  // of a form; what follows is ignored
constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

bool needs_no_escape(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return kPlain[static_cast<unsigned char>(c)] || c == '"' || c == '\''; });
}

void append_xml_text(std::string& out, std::string_view text) { append_escaped(out, text, false); }

std::size_t xml_text_size(std::string_view text) {
    std::array<std::size_t, 256> counts{};
    for (const char c : text) ++counts[static_cast<unsigned char>(c)];
    std::size_t size = text.size() + 4 * counts['&'] + 3 * (counts['<'] + counts['>']);
    for (std::size_t c = 0; c < 0x20; ++c) size += kPlain[c] ? 0 : 2 * counts[c];
    if (is_utf8(text)) return size;
    for (std::size_t c = 0x80; c < 0x100; ++c) size += 2 * counts[c];
    return size;
}

std::string html(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_escaped(out, text, true);
    return out;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

std::string percent_encode(std::string_view text, std::string_view safe) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("_.-~").find(c) != std::string_view::npos ||
                           safe.find(c) != std::string_view::npos;
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    int position = 0;  // in a group of four
    int pads = 0;
    for (const char c : text) {
        if (c == '=') {
            if (position >= 2 && position + ++pads >= 4) return out;
            continue;
        }
        const std::size_t digit = kAlphabet.find(c);
        if (digit == std::string_view::npos) continue;
        pads = 0;
        bits = (bits << 6) | static_cast<std::uint32_t>(digit);
        position = (position + 1) % 4;
        // After the second, third and fourth digit another whole byte is known.
        if (position != 1)
            out += static_cast<char>((bits >> ((4 - (position == 0 ? 4 : position)) * 2)) & 0xFF);
    }
    if (position != 0) return std::nullopt;
    return out;
}

Fields parse_fields(std::string_view text) {
    Fields fields;
    const auto decode = [](std::string_view part) {
        std::string plain(part);
        for (char& c : plain) {
            if (c == '+') c = ' ';
        }
        return percent_decode(plain);
    };
    while (!text.empty() && fields.size() < kMaxFields) {
        const std::string_view field = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(field.size() + 1, text.size()));
        const std::size_t equals = field.find('=');
        if (equals == std::string_view::npos || equals + 1 == field.size()) continue;
        fields.emplace_back(decode(field.substr(0, equals)), decode(field.substr(equals + 1)));
    }
    return fields;
}

const std::string* find_field(const Fields& fields, std::string_view name) {
    for (const auto& [known, value] : fields) {
        if (known == name) return &value;
    }
    return nullptr;
}

std::string http_date(std::int64_t seconds) {
    const std::time_t when = seconds;
    std::tm tm{};
    gmtime_r(&when, &tm);
    char out[64];
    const int size = std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays[tm.tm_wday % 7], tm.tm_mday, kMonths[tm.tm_mon % 12],
                                   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return {out, static_cast<std::size_t>(size)};
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    std::tm tm{};
    char month[4] = {};
    int end = 0;
    const std::string copy(text);
    if (std::sscanf(copy.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
                    &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end == 0) {
        return std::nullopt;
    }
    tm.tm_mon = -1;
    for (int i = 0; i < 12; ++i) {
        if (std::string_view(kMonths[i]) == month) tm.tm_mon = i;
    }
    tm.tm_year -= 1900;
    if (tm.tm_mon < 0 || tm.tm_year < 70) return std::nullopt;
    return timegm(&tm);
}

std::string local_time(std::int64_t seconds) {
    const std::time_t when = seconds;
    std::tm tm{};
    localtime_r(&when, &tm);
    char out[64];
    const int size = std::snprintf(out, sizeof out, "%s %s %2d %02d:%02d:%02d %04d", kDays[tm.tm_wday % 7],
                                   kMonths[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                                   tm.tm_year + 1900);
    return {out, static_cast<std::size_t>(size)};
}

}  // namespace reeve
