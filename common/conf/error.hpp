// What is wrong with a configuration or a command line, as one sentence for the user. The sentence begins
// with the text that the original program has for the same fault, because scripts look for it; where the
// fault lies (file, line, key) and what may have been meant follow after it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace reeve {

class ConfigError : public std::runtime_error {
  public:
    // The hint is what follows the text: "; did you mean 'x'?", or nothing.
    explicit ConfigError(const std::string& text, std::string hint = "")
        : std::runtime_error(text + hint), hint_(std::move(hint)) {}

    // what() is text() and hint().
    std::string text() const {
        return std::string(what()).substr(0, std::string(what()).size() - hint_.size());
    }
    const std::string& hint() const { return hint_; }

  private:
    std::string hint_;
};

// A file that is no INI file at all or not UTF-8; the text already names file and line.
class SyntaxError : public ConfigError {
  public:
    using ConfigError::ConfigError;
};

}  // namespace reeve
