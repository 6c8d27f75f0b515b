// What is wrong with a configuration or a command line, as one sentence for the user. The sentence begins with
// the text that the original program has for the same fault, because scripts look for it; where the fault lies
// (file, line, key) and what may have been meant follow after it.
#pragma once

#include <stdexcept>
#include <string>

namespace reeve {

class ConfigError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A file that is no INI file at all or not UTF-8; the text already names file and line.
class SyntaxError : public ConfigError {
  public:
    using ConfigError::ConfigError;
};

}  // namespace reeve
