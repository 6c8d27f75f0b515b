// The list of environment= : KEY=value,KEY2="value 2". See values.hpp.
//
// The text is cut into tokens first, with quoting as in a POSIX shell; then every four tokens are key, '=',
// value and a separator. The separator is never looked at: existing files have all kinds of them.
#include "common/conf/values.hpp"

#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

bool is_blank(char32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What needs no quotes: letters (up to Latin-1), digits, and _ / . + - ( ) :
bool is_word(char32_t c) {
    if (c < 0x80) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_/.+-():").find(static_cast<char>(c)) != std::string_view::npos;
    }
    return c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7;
}

class Tokens {
  public:
    explicit Tokens(std::string_view text) : text_(text) {}

    // False at the end. A token may be empty if it was quoted.
    bool next(std::string& token) {
        token.clear();
        bool started = false;
        while (pos_ < text_.size()) {
            std::size_t start = pos_;
            char32_t c = decode_utf8(text_, pos_);
            if (is_blank(c)) {
                if (started) return true;
            } else if (c == '#') {
                pos_ = std::min(text_.find('\n', pos_), text_.size());
                if (started) return true;
            } else if (c == '\'' || c == '"') {
                quoted(static_cast<char>(c), token);
                started = true;
            } else if (c == '\\') {
                take_escaped(token);
                started = true;
            } else if (is_word(c)) {
                token += text_.substr(start, pos_ - start);
                started = true;
            } else {
                if (started) {
                    pos_ = start;
                } else {
                    token = text_.substr(start, pos_ - start);
                }
                return true;
            }
        }
        return started;
    }

  private:
    void quoted(char quote, std::string& token) {
        for (; pos_ < text_.size(); ++pos_) {
            char c = text_[pos_];
            if (c == quote) {
                ++pos_;
                return;
            }
            if (c == '\\' && quote == '"') {
                if (pos_ + 1 == text_.size()) throw ConfigError("No escaped character");
                char escaped = text_[pos_ + 1];
                if (escaped == '"' || escaped == '\\') ++pos_;
            }
            token += text_[pos_];
        }
        throw ConfigError("No closing quotation");
    }
    void take_escaped(std::string& token) {
        if (pos_ == text_.size()) throw ConfigError("No escaped character");
        std::size_t start = pos_;
        decode_utf8(text_, pos_);
        token += text_.substr(start, pos_ - start);
    }

    std::string_view text_;
    std::size_t pos_ = 0;
};

}  // namespace

Environment parse_environment(std::string_view text) {
    std::vector<std::string> tokens;
    Tokens reader(text);
    for (std::string token; reader.next(token);) tokens.push_back(token);
    Environment environment;
    for (std::size_t i = 0; i < tokens.size(); i += 4) {
        if (tokens.size() - i < 3 || tokens[i + 1] != "=")
            throw ConfigError("Unexpected end of key/value pairs in value '" + std::string(text) + "'");
        set_variable(environment, tokens[i], tokens[i + 2]);
    }
    return environment;
}

}  // namespace reeve
