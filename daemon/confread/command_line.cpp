// The command line of supervisord. See command_line.hpp.
#include "daemon/confread/command_line.hpp"

#include <set>

#include "common/conf/values.hpp"
#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

struct Row {
    char letter;  // '\0': long only
    std::string_view name;
    const char* value;  // its name in the help; nullptr: a flag
    const char* help;
};
// In the order of the help. check-config is ours: it must not make shortened old options ambiguous.
constexpr std::string_view kNewOption = "check-config";
constexpr Row kRows[] = {
    {'c', "configuration", "FILENAME", "configuration file (searched for if not given)"},
    {'n', "nodaemon", nullptr, "run in the foreground (same as 'nodaemon=true' in the file)"},
    {'s', "silent", nullptr, "write no log lines to stdout in the foreground (same as 'silent=true')"},
    {'h', "help", nullptr, "print this text and exit"},
    {'v', "version", nullptr, "print the version and exit"},
    {'u', "user", "USER", "run as this user (name or number)"},
    {'m', "umask", "UMASK", "umask of the daemon, octal (default 022)"},
    {'d', "directory", "DIRECTORY", "change to this directory as a daemon"},
    {'l', "logfile", "FILENAME", "main log file, or 'syslog'"},
    {'y', "logfile_maxbytes", "BYTES", "size at which the main log is rotated"},
    {'z', "logfile_backups", "NUM", "how many rotated main logs are kept"},
    {'e', "loglevel", "LEVEL", "critical, error, warn, info, debug, trace or blather"},
    {'j', "pidfile", "FILENAME", "file for the process number"},
    {'i', "identifier", "STR", "name of this instance of supervisord"},
    {'q', "childlogdir", "DIRECTORY", "directory for logs of programs without one of their own"},
    {'k', "nocleanup", nullptr,
     "keep such logs of former runs\n                           (default: they are removed at the start)"},
    {'a', "minfds", "NUM", "file descriptors that must be available"},
    {'t', "strip_ansi", nullptr, "strip escape sequences from the logs of programs"},
    {'\0', "minprocs", "NUM", "processes that must be available"},
    {'\0', "profile_options", "LIST",
     "accepted and ignored\n                           (there is no profiler here)"},
    {'\0', kNewOption, nullptr, "read and check the configuration, tell what is odd about it, and exit"},
};

struct Given {
    const Row* row;
    std::string spelling;  // "-c" or "--configuration"
    std::string value;
};

const Row& find_long(const std::string& name) {
    const Row* found = nullptr;
    for (const Row& row : kRows) {
        if (row.name == name) return row;
        if (!row.name.starts_with(name)) continue;
        if (found != nullptr && row.name != kNewOption)
            throw ConfigError("option --" + name + " not a unique prefix");
        if (found == nullptr) found = &row;
    }
    if (found == nullptr) throw ConfigError("option --" + name + " not recognized");
    return *found;
}

const Row& find_short(char letter) {
    if (letter == '?') letter = 'h';
    for (const Row& row : kRows) {
        if (row.letter != '\0' && row.letter == letter) return row;
    }
    throw ConfigError(std::string("option -") + letter + " not recognized");
}

// Syntax alone: which options with which values. Anything else is an error.
std::vector<Given> split_words(const std::vector<std::string>& words) {
    std::vector<Given> given;
    std::size_t i = 1;
    for (; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--") {
            ++i;
            break;
        }
        if (word.size() < 2 || word[0] != '-') break;
        if (word[1] == '-') {
            std::size_t equals = word.find('=');
            const Row& row = find_long(word.substr(2, equals == std::string::npos ? equals : equals - 2));
            std::string spelling = "--" + std::string(row.name);
            std::string value;
            if (row.value == nullptr) {
                if (equals != std::string::npos)
                    throw ConfigError("option " + spelling + " must not have an argument");
            } else if (equals != std::string::npos) {
                value = word.substr(equals + 1);
            } else if (++i < words.size()) {
                value = words[i];
            } else {
                throw ConfigError("option " + spelling + " requires argument");
            }
            given.push_back({&row, spelling, value});
            continue;
        }
        for (std::size_t at = 1; at < word.size(); ++at) {
            const Row& row = find_short(word[at]);
            std::string spelling = {'-', word[at]};
            if (row.value == nullptr) {
                given.push_back({&row, spelling, ""});
            } else if (at + 1 < word.size()) {
                given.push_back({&row, spelling, word.substr(at + 1)});
                break;
            } else if (++i < words.size()) {
                given.push_back({&row, spelling, words[i]});
                break;
            } else {
                throw ConfigError("option " + spelling + " requires argument");
            }
        }
    }
    if (i < words.size()) {
        std::string list;
        for (; i < words.size(); ++i) list += (list.empty() ? "" : ", ") + py_repr(words[i]);
        throw ConfigError("positional arguments are not supported: [" + list + "]");
    }
    return given;
}

// clang-format off
// Puts the value of one option into its place.
void store(CommandLine& line, std::string_view name, const std::string& value) {
    if (name == "configuration") line.configuration = value;
    else if (name == "nodaemon") line.nodaemon = true;
    else if (name == "silent") line.silent = true;
    else if (name == "nocleanup") line.nocleanup = true;
    else if (name == "strip_ansi") line.strip_ansi = true;
    else if (name == "user") line.user = value;
    else if (name == "umask") line.umask = parse_octal(value);
    else if (name == "directory") line.directory = parse_existing_directory(value);
    else if (name == "logfile") line.logfile = parse_existing_dirpath(value);
    else if (name == "logfile_maxbytes") line.logfile_maxbytes = parse_byte_size(value);
    else if (name == "logfile_backups") line.logfile_backups = parse_integer(value);
    else if (name == "loglevel") line.loglevel = parse_loglevel(value);
    else if (name == "pidfile") line.pidfile = parse_existing_dirpath(value);
    else if (name == "identifier") line.identifier = value;
    else if (name == "childlogdir") line.childlogdir = parse_existing_directory(value);
    else if (name == "minfds") line.minfds = parse_integer(value);
    else if (name == "minprocs") line.minprocs = parse_integer(value);
    else if (name == kNewOption) line.action = Action::CheckConfig;
}
// clang-format on

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& words) {
    CommandLine line;
    line.program = words.empty() ? "supervisord" : words[0];
    std::set<std::string_view> seen;
    for (const Given& option : split_words(words)) {
        std::string_view name = option.row->name;
        if (name == "help" || name == "version") {  // acts at once, whatever follows
            line.action = name == "help" ? Action::Help : Action::Version;
            return line;
        }
        try {
            store(line, name, option.value);
        } catch (const ConfigError& error) {
            throw ConfigError(
                "invalid value for " + option.spelling + " " + py_repr(option.value) + ": " + error.text(),
                error.hint());
        }
        if (!seen.insert(name).second)
            throw ConfigError("conflicting command line option " + py_repr(option.spelling));
    }
    if (line.logfile && line.logfile->empty()) line.logfile.reset();
    return line;
}

std::string help_text(const std::string& program) {
    std::string text = "supervisord -- run a set of applications as daemons.\n\nUsage: " + program +
                       " [options]\n\nOptions:\n";
    for (const Row& row : kRows) {
        if (row.letter != '\0') text += std::string("-") + row.letter + "/";
        text += "--";
        text += row.name;
        if (row.value != nullptr) text += std::string(" ") + row.value;
        text += std::string(" -- ") + row.help + "\n";
    }
    return text + "\n";
}

}  // namespace reeve
