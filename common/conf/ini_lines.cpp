// The INI dialect, line by line. See ini_lines.hpp.
#include "common/conf/ini_lines.hpp"

#include <cstdio>

#include "common/conf/error.hpp"
#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

// Takes the next line off the text, without its end; LF, CR and CR LF end a line, nothing else does.
std::string_view take_line(std::string_view& text, bool& ended) {
    std::size_t end = text.find_first_of("\r\n");
    ended = end != std::string_view::npos;
    std::string_view line = text.substr(0, end);
    if (!ended) {
        text = {};
    } else {
        text.remove_prefix(text.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
    }
    return line;
}

bool space_before(std::string_view line, std::size_t pos) {
    std::size_t start = pos - 1;
    while (start > 0 && pos - start < 4 && (static_cast<unsigned char>(line[start]) & 0xC0) == 0x80) --start;
    return is_unicode_space(decode_utf8(line, start)) && start == pos;
}

// Where the comment of a line starts, npos if it has none. Round n looks at the n-th ; and the n-th #; the
// first round in which one of them counts ends the search.
std::size_t find_comment(std::string_view line) {
    std::string_view content = trim(line);
    if (content.starts_with('#') || content.starts_with(';')) return 0;
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t found = kNone;
    std::size_t semicolon = line.find(';');
    std::size_t hash = line.find('#');
    while (found == kNone && (semicolon != kNone || hash != kNone)) {
        if (semicolon != kNone) {
            if (semicolon == 0 || space_before(line, semicolon)) found = semicolon;
            semicolon = line.find(';', semicolon + 1);
        }
        if (hash != kNone) {
            if ((hash == 0 || space_before(line, hash)) && hash < found) found = hash;
            hash = line.find('#', hash + 1);
        }
    }
    return found;
}

// The column of the first character that is no white space, in characters.
std::size_t indent_of(std::string_view line) {
    std::size_t column = 0;
    for (std::size_t pos = 0; pos < line.size(); ++column) {
        if (!is_unicode_space(decode_utf8(line, pos))) return column;
    }
    return 0;
}

std::string numbered(std::uint32_t number, const char* form) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, form, number);
    return buffer;
}

class LineReader {
  public:
    LineReader(std::vector<IniSection>& sections, const std::string& file)
        : sections_(sections), file_(file) {}

    void line(std::string_view raw, bool ended) {
        ++number_;
        std::size_t comment = find_comment(raw);
        std::string_view text = trim(raw.substr(0, comment));
        if (text.empty()) {
            if (comment == std::string_view::npos && key_open_) current().value += '\n';
            return;
        }
        std::size_t column = indent_of(raw);
        if (key_open_ && column > indent_) {
            current().value += '\n';
            current().value += text;
            current().cut = current().cut || comment != std::string_view::npos;
            return;
        }
        indent_ = column;
        std::size_t close = text.rfind(']');
        if (text[0] == '[' && close != std::string_view::npos && close >= 2) {
            sections_.push_back({std::string(text.substr(1, close - 1)), number_, {}});
            key_open_ = false;
        } else if (sections_.empty()) {
            throw SyntaxError("File contains no section headers.\nfile: " + py_repr(file_) +
                              ", line: " + std::to_string(number_) + "\n" + quote(raw, ended));
        } else {
            key_line(text, raw, ended, comment != std::string_view::npos);
        }
    }

    void end() {
        for (IniSection& section : sections_) {
            for (IniKey& key : section.keys) key.value.resize(trim_end(key.value).size());
        }
        if (!errors_.empty())
            throw SyntaxError("Source contains parsing errors: " + py_repr(file_) + errors_);
    }

  private:
    IniKey& current() { return sections_.back().keys.back(); }
    static std::string quote(std::string_view raw, bool ended) {
        return py_repr(std::string(raw) + (ended ? "\n" : ""));
    }
    void key_line(std::string_view text, std::string_view raw, bool ended, bool cut) {
        std::size_t delimiter = text.find_first_of("=:");
        std::string key = to_lower(trim_end(text.substr(0, delimiter)));
        if (delimiter == std::string_view::npos || key.empty()) {
            errors_ += "\n\t[line " + numbered(number_, "%2u") + "]: " + quote(raw, ended);
            if (delimiter == std::string_view::npos) return;
            key_open_ = false;
            return;
        }
        sections_.back().keys.push_back(
            {std::move(key), std::string(trim(text.substr(delimiter + 1))), number_, cut});
        key_open_ = true;
    }

    std::vector<IniSection>& sections_;
    const std::string& file_;
    std::string errors_;
    std::uint32_t number_ = 0;
    std::size_t indent_ = 0;
    bool key_open_ = false;  // the last section's last key may be continued
};

}  // namespace

void require_utf8(std::string_view text, const std::string& file) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t pos = 0; pos < text.size();) {
        std::size_t start = pos;
        if (decode_utf8(text, pos) != kInvalidUtf8) continue;
        unsigned char first = byte(start);
        std::size_t need = first >= 0xF0 && first <= 0xF4  ? 4
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xC2 && first < 0xE0 ? 2
                                                           : 1;
        // The bytes that still could have begun a character are part of what is reported.
        const char* reason = need == 1 ? "invalid start byte" : "invalid continuation byte";
        std::size_t end = start + 1;
        while (need > 1 && end < start + need) {
            if (end == text.size()) {
                reason = "unexpected end of data";
                break;
            }
            unsigned char low = 0x80;
            unsigned char high = 0xBF;
            if (end == start + 1) {
                if (first == 0xE0) low = 0xA0;
                if (first == 0xED) high = 0x9F;
                if (first == 0xF0) low = 0x90;
                if (first == 0xF4) high = 0x8F;
            }
            if (byte(end) < low || byte(end) > high) break;
            ++end;
        }
        std::string what = end == start + 1
                               ? "byte " + numbered(first, "0x%02x") + " in position " + std::to_string(start)
                               : "bytes in position " + std::to_string(start) + "-" + std::to_string(end - 1);
        throw SyntaxError("'utf-8' codec can't decode " + what + ": " + reason + "; the file " +
                          py_repr(file) + " is not UTF-8");
    }
}

std::vector<IniSection> parse_ini(std::string_view text, const std::string& file) {
    require_utf8(text, file);
    if (text.find('\0') != std::string_view::npos)
        throw SyntaxError("the file " + py_repr(file) + " is no text: it contains a zero byte");
    std::vector<IniSection> sections;
    LineReader reader(sections, file);
    while (!text.empty()) {
        bool ended = false;
        std::string_view line = take_line(text, ended);
        reader.line(line, ended);
    }
    reader.end();
    return sections;
}

}  // namespace reeve
