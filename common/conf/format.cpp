// printf-like conversions of named values. See format.hpp.
#include "common/conf/format.hpp"

#include <algorithm>
#include <cstdio>

#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMaxWidth = 1024 * 1024;  // characters; more is a slip of the keyboard
constexpr std::size_t kMaxPrecision = 1000;

// The beginning of a text, at most that many characters.
std::string_view first_characters(std::string_view text, std::size_t count) {
    std::size_t pos = 0;
    while (count-- > 0 && pos < text.size()) decode_utf8(text, pos);
    return text.substr(0, pos);
}

// A quoted text in which everything beyond ASCII is escaped.
std::string ascii_repr(std::string_view text) {
    std::string quoted = py_repr(text);
    std::string out;
    for (std::size_t pos = 0; pos < quoted.size();) {
        char32_t c = decode_utf8(quoted, pos);
        char buffer[16];
        const char* form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
        if (c < 0x80) {
            out += static_cast<char>(c);
        } else {
            std::snprintf(buffer, sizeof buffer, form, static_cast<unsigned>(c));
            out += buffer;
        }
    }
    return out;
}

struct Conversion {
    bool left = false, plus = false, blank = false, alternate = false, zero = false;
    std::size_t width = 0;
    std::optional<std::size_t> precision;
    char type = 0;
};

std::string digits_of(std::uint64_t value, unsigned base, bool upper) {
    const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string out;
    do {
        out += digits[value % base];
        value /= base;
    } while (value != 0);
    std::reverse(out.begin(), out.end());
    return out;
}

class Formatter {
  public:
    Formatter(std::string_view text, const Names& names) : text_(text), names_(names) {}

    std::string run() {
        while (pos_ < text_.size()) {
            std::size_t percent = std::min(text_.find('%', pos_), text_.size());
            out_ += text_.substr(pos_, percent - pos_);
            pos_ = percent;
            if (pos_ == text_.size()) break;
            ++pos_;
            if (pos_ < text_.size() && text_[pos_] == '%') {
                out_ += '%';
                ++pos_;
            } else {
                conversion();
            }
        }
        return std::move(out_);
    }

  private:
    void conversion() {
        const Names::Value* value = nullptr;
        if (pos_ < text_.size() && text_[pos_] == '(') {
            value = &named();
            used_ = true;
            star_ = true;
        }
        Conversion spec = read_spec(value);
        if (value == nullptr || !star_) {
            // A conversion without a name stands for the whole dictionary, but only before any name was used.
            if (used_) throw BadFormat{"not enough arguments for format string"};
            used_ = true;
        }
        if (value == nullptr) return nameless(spec);
        if (const auto* text = std::get_if<std::string>(value)) {
            put_text(spec, *text);
        } else {
            put_number(spec, std::get<std::int64_t>(*value));
        }
    }

    const Names::Value& named() {
        std::size_t start = ++pos_;
        int depth = 1;
        while (pos_ < text_.size() && depth > 0) {
            if (text_[pos_] == '(') ++depth;
            if (text_[pos_] == ')') --depth;
            ++pos_;
        }
        if (depth > 0) throw BadFormat{"incomplete format key"};
        std::string_view name = text_.substr(start, pos_ - 1 - start);
        const Names::Value* value = names_.find(name);
        if (value == nullptr) throw UnknownName{std::string(name)};
        return *value;
    }

    bool at_digit() const { return pos_ < text_.size() && text_[pos_] >= '0' && text_[pos_] <= '9'; }
    std::size_t read_number(std::size_t limit, const char* too_big) {
        std::size_t number = 0;
        for (; at_digit(); ++pos_) {
            number = number * 10 + static_cast<std::size_t>(text_[pos_] - '0');
            if (number > limit) throw BadFormat{too_big};
        }
        return number;
    }
    // A '*' takes its number from the value itself, which is then used up; only a number can do that.
    void star(const Names::Value* value) {
        ++pos_;
        if (value != nullptr && !star_) throw BadFormat{"not enough arguments for format string"};
        if (value == nullptr && used_) throw BadFormat{"not enough arguments for format string"};
        if (value == nullptr || !std::holds_alternative<std::int64_t>(*value)) throw BadFormat{"* wants int"};
        star_ = false;
    }

    Conversion read_spec(const Names::Value* value) {
        Conversion spec;
        for (; pos_ < text_.size(); ++pos_) {
            char c = text_[pos_];
            if (c == '-')
                spec.left = true;
            else if (c == '+')
                spec.plus = true;
            else if (c == ' ')
                spec.blank = true;
            else if (c == '#')
                spec.alternate = true;
            else if (c == '0')
                spec.zero = true;
            else
                break;
        }
        if (pos_ < text_.size() && text_[pos_] == '*') {
            star(value);
        } else {
            spec.width = read_number(kMaxWidth, "width too big");
        }
        if (pos_ < text_.size() && text_[pos_] == '.') {
            ++pos_;
            spec.precision = 0;
            if (pos_ < text_.size() && text_[pos_] == '*') {
                star(value);
            } else {
                spec.precision = read_number(kMaxPrecision, "precision too big");
            }
        }
        if (pos_ < text_.size() && (text_[pos_] == 'h' || text_[pos_] == 'l' || text_[pos_] == 'L')) ++pos_;
        if (pos_ == text_.size()) throw BadFormat{"incomplete format"};
        type_at_ = pos_;
        char32_t type = decode_utf8(text_, pos_);
        spec.type = type < 0x80 ? static_cast<char>(type) : '\0';
        return spec;
    }

    [[noreturn]] void unsupported() const {
        std::size_t pos = type_at_;
        std::size_t end = pos;
        char32_t c = decode_utf8(text_, end);
        char buffer[16];
        std::snprintf(buffer, sizeof buffer, "%x", static_cast<unsigned>(c));
        std::string shown = c > 31 && c < 127 ? std::string(text_.substr(pos, end - pos)) : "?";
        throw BadFormat{"unsupported format character '" + shown + "' (0x" + buffer + ") at index " +
                        std::to_string(count_characters(text_.substr(0, pos)))};
    }

    [[noreturn]] void wrong_type(const Conversion& spec, const char* given) const {
        std::string type(1, spec.type);
        switch (spec.type) {
            case 'd':
            case 'i':
            case 'u': throw BadFormat{"%" + type + " format: a real number is required, not " + given};
            case 'x':
            case 'X':
            case 'o': throw BadFormat{"%" + type + " format: an integer is required, not " + given};
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G': throw BadFormat{std::string("must be real number, not ") + given};
            case 'c': throw BadFormat{"%c requires int or char"};
            default: unsupported();
        }
    }

    void nameless(const Conversion& spec) const {
        if (spec.type != 's' && spec.type != 'r' && spec.type != 'a') wrong_type(spec, "dict");
        throw BadFormat{std::string("%") + spec.type + " has no name; write %(name)" + spec.type +
                        " for a value, or %% for a percent sign"};
    }

    void pad(const Conversion& spec, std::string_view text) {
        std::size_t length = count_characters(text);
        std::size_t fill = spec.width > length ? spec.width - length : 0;
        if (!spec.left) out_.append(fill, ' ');
        out_ += text;
        if (spec.left) out_.append(fill, ' ');
    }
    void put_text(const Conversion& spec, const std::string& value) {
        std::string text;
        switch (spec.type) {
            case 's': text = value; break;
            case 'r': text = py_repr(value); break;
            case 'a': text = ascii_repr(value); break;
            case 'c':
                if (count_characters(value) != 1) wrong_type(spec, "str");
                return pad(spec, value);
            default: wrong_type(spec, "str");
        }
        pad(spec, spec.precision ? first_characters(text, *spec.precision) : std::string_view(text));
    }

    void put_number(const Conversion& spec, std::int64_t value) {
        bool negative = value < 0;
        std::uint64_t size =
            negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
        std::string sign = negative ? "-" : spec.plus ? "+" : spec.blank ? " " : "";
        std::string prefix;
        std::string digits;
        switch (spec.type) {
            case 's':
            case 'r':
            case 'a': return put_plain(spec, value);
            case 'c': return put_character(spec, value);
            case 'd':
            case 'i':
            case 'u': digits = digits_of(size, 10, false); break;
            case 'x':
                prefix = "0x";
                digits = digits_of(size, 16, false);
                break;
            case 'X':
                prefix = "0X";
                digits = digits_of(size, 16, true);
                break;
            case 'o':
                prefix = "0o";
                digits = digits_of(size, 8, false);
                break;
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G': digits = real(spec, size); break;
            default: unsupported();
        }
        if (!spec.alternate) prefix.clear();
        bool whole = std::string_view("diuxXo").find(spec.type) != std::string_view::npos;
        if (whole && spec.precision && digits.size() < *spec.precision)
            digits.insert(0, *spec.precision - digits.size(), '0');
        if (spec.zero && !spec.left) {
            std::size_t length = sign.size() + prefix.size() + digits.size();
            if (length < spec.width) digits.insert(0, spec.width - length, '0');
        }
        pad(spec, sign + prefix + digits);
    }
    void put_plain(const Conversion& spec, std::int64_t value) {
        std::string text = std::to_string(value);
        pad(spec, spec.precision ? first_characters(text, *spec.precision) : std::string_view(text));
    }
    void put_character(const Conversion& spec, std::int64_t value) {
        if (value <= 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
            throw BadFormat{"%c arg not in range(0x110000)"};
        std::string text;
        append_utf8(text, static_cast<char32_t>(value));
        pad(spec, text);
    }
    static std::string real(const Conversion& spec, std::uint64_t size) {
        char form[16];
        std::snprintf(form, sizeof form, "%%%s.%zu%c", spec.alternate ? "#" : "", spec.precision.value_or(6),
                      spec.type);
        char buffer[kMaxPrecision + 64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        std::snprintf(buffer, sizeof buffer, form, static_cast<double>(size));
#pragma GCC diagnostic pop
        return buffer;
    }

    std::string_view text_;
    const Names& names_;
    std::string out_;
    std::size_t pos_ = 0;
    std::size_t type_at_ = 0;
    bool used_ = false;  // the dictionary, or the last named value, has been consumed
    bool star_ = true;   // the named value has not been taken by a '*'
};

}  // namespace

std::string format_text(std::string_view text, const Names& names) { return Formatter(text, names).run(); }

}  // namespace reeve
