// Splits a command into words. See shell_split.hpp.
#include "common/text/shell_split.hpp"

namespace reeve {

SplitResult shell_split(std::string_view command, std::vector<std::string>& words) {
    words.clear();
    std::string word;
    bool in_word = false;
    for (std::size_t i = 0; i < command.size(); ++i) {
        char c = command[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            if (in_word) words.push_back(std::move(word));
            word.clear();
            in_word = false;
        } else if (c == '\\') {
            if (++i == command.size()) return SplitResult::NoEscapedCharacter;
            word += command[i];
            in_word = true;
        } else if (c == '\'') {
            std::size_t end = command.find('\'', i + 1);
            if (end == std::string_view::npos) return SplitResult::NoClosingQuotation;
            word += command.substr(i + 1, end - i - 1);
            in_word = true;
            i = end;
        } else if (c == '"') {
            in_word = true;
            for (++i;; ++i) {
                if (i == command.size()) return SplitResult::NoClosingQuotation;
                if (command[i] == '"') break;
                if (command[i] == '\\') {
                    if (i + 1 == command.size()) return SplitResult::NoEscapedCharacter;
                    if (command[i + 1] == '"' || command[i + 1] == '\\') ++i;
                }
                word += command[i];
            }
        } else {
            word += c;
            in_word = true;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return SplitResult::Ok;
}

}  // namespace reeve
