// The options of supervisorctl. See command_line.hpp.
//
// Written by hand: Boost.Program_options refuses `-c -n` and `--username=`, moves options from behind the
// first argument to the front, and words its errors differently. With a style parser that repairs all this
// nothing would be left for it to do.
#include "ctl/command_line.hpp"

#include <span>

#include "common/text/py_repr.hpp"
#include "ctl/errors.hpp"

namespace reeve::ctl {
namespace {

struct OptionRow {
    char letter;
    std::string_view name;
    bool has_value;
};
constexpr OptionRow kOptions[] = {{'c', "configuration", true}, {'h', "help", false},
                                  {'i', "interactive", false},  {'s', "serverurl", true},
                                  {'u', "username", true},      {'p', "password", true},
                                  {'r', "history_file", true}};

// An option as it was given, in full: "-s" or "--serverurl".
struct Given {
    std::string spelling;
    const OptionRow* row;
    std::string value;
};

[[noreturn]] void refuse(const std::string& option, const char* what) {
    throw UsageError("option " + option + " " + what);
}

const OptionRow& find_long(std::string_view name) {
    const OptionRow* found = nullptr;
    bool ambiguous = false;
    for (const OptionRow& row : kOptions) {
        if (row.name == name) return row;
        if (!row.name.starts_with(name)) continue;
        ambiguous = found != nullptr;
        found = &row;
    }
    std::string spelling = "--" + std::string(name);
    if (found == nullptr) refuse(spelling, "not recognized");
    if (ambiguous) refuse(spelling, "not a unique prefix");
    return *found;
}

const OptionRow& find_short(char letter) {
    for (const OptionRow& row : kOptions) {
        if (row.letter == letter || (letter == '?' && row.letter == 'h')) return row;
    }
    refuse(std::string("-") + letter, "not recognized");
}

// The value of an option that needs one and has none in its own word: the next word, whatever it looks like.
std::string take_value(const std::string& option, std::span<const std::string>& words) {
    if (words.empty()) refuse(option, "requires argument");
    std::string value = words.front();
    words = words.subspan(1);
    return value;
}

// The word behind "--"; `words` are the words after it.
Given parse_long(std::string_view word, std::span<const std::string>& words) {
    std::size_t equals = word.find('=');
    const OptionRow& row = find_long(word.substr(0, equals));
    Given given{"--" + std::string(row.name), &row, ""};
    if (equals != std::string_view::npos) {
        if (!row.has_value) refuse(given.spelling, "must not have an argument");
        given.value = word.substr(equals + 1);
    } else if (row.has_value) {
        given.value = take_value(given.spelling, words);
    }
    return given;
}

// One word of short options without its dash: flags, the last of which may be an option with its value.
void parse_short(std::string_view word, std::span<const std::string>& words, std::vector<Given>& out) {
    while (!word.empty()) {
        Given given{std::string("-") + word[0], &find_short(word[0]), ""};
        word.remove_prefix(1);
        if (given.row->has_value) {
            given.value = word.empty() ? take_value(given.spelling, words) : std::string(word);
            word = {};
        }
        out.push_back(std::move(given));
    }
}

std::vector<Given> split_options(std::span<const std::string>& words) {
    std::vector<Given> options;
    while (!words.empty() && words.front().size() > 1 && words.front()[0] == '-') {
        std::string_view word = words.front();
        words = words.subspan(1);
        if (word == "--") break;
        if (word[1] == '-') {
            options.push_back(parse_long(word.substr(2), words));
        } else {
            parse_short(word.substr(1), words, options);
        }
    }
    return options;
}

bool is_scheme(std::string_view text) {
    auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (text.empty() || !letter(text[0])) return false;
    for (char c : text) {
        if (!letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
    }
    return true;
}

}  // namespace

std::string url_scheme(std::string_view url) {
    std::size_t colon = url.find(':');
    if (colon == std::string_view::npos || !is_scheme(url.substr(0, colon))) return "";
    std::string scheme(url.substr(0, colon));
    for (char& c : scheme) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return scheme;
}

bool is_url(std::string_view text) {
    std::string scheme = url_scheme(text);
    if (scheme.empty()) return false;
    std::string_view rest = text.substr(scheme.size() + 1);
    if (rest.starts_with("//")) rest.remove_prefix(2);
    return rest.find_first_of("?#") != 0 && !rest.empty();
}

CommandLine parse_command_line(std::span<const std::string> words) {
    CommandLine line;
    std::vector<const OptionRow*> seen;
    for (const Given& given : split_options(words)) {
        if (given.row->letter == 'h') {
            line.help = true;
            return line;
        }
        for (const OptionRow* row : seen) {
            if (row == given.row)
                throw UsageError("conflicting command line option " + py_repr(given.spelling));
        }
        seen.push_back(given.row);
        switch (given.row->letter) {
            case 'c': line.configuration = given.value; break;
            case 'i': line.interactive = true; break;
            case 'u': line.username = given.value; break;
            case 'p': line.password = given.value; break;
            case 's':
                if (!is_url(given.value)) {
                    std::string value = py_repr(given.value);
                    throw UsageError("invalid value for " + given.spelling + " " + value + ": value " +
                                     value + " is not a URL");
                }
                line.server_url = given.value;
                break;
            default: break;  // -r has never had an effect
        }
    }
    line.words.assign(words.begin(), words.end());
    return line;
}

std::string usage_text(const std::string& program) {
    return "supervisorctl -- control applications run by supervisord from the cmd line.\n"
           "\n"
           "Usage: " +
           program +
           " [options] [action [arguments]]\n"
           "\n"
           "Options:\n"
           "-c/--configuration FILE -- the configuration file (searched for by default)\n"
           "-h/--help -- print this text and exit\n"
           "-i/--interactive -- ask before shutdown and reload, and for a password, as the shell does\n"
           "-s/--serverurl URL -- where supervisord listens (default \"http://localhost:9001\"),\n"
           "     also unix:///path/of/its/socket\n"
           "-u/--username NAME -- the user to log in as\n"
           "-p/--password TEXT -- the password to log in with\n"
           "-r/--history_file FILE -- accepted for old scripts; use history_file= in the configuration\n"
           "\n"
           "An action is what you would type in the shell, like \"status\" or \"tail -f NAME\".\n"
           "The action \"help\" lists all of them.\n"
           "\n";
}

}  // namespace reeve::ctl
