// The types of configuration values. See values.hpp.
#include "common/conf/values.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/conf/paths.hpp"
#include "common/conf/suggest.hpp"
#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"
#include "common/text/signals.hpp"

namespace reeve {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// A whole number as the original's language reads one; nullopt if it is none.
std::optional<std::int64_t> read_integer(std::string_view text, int base) {
    text = trim(text);
    bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    bool digit_before = false;
    if (base == 8 && (text.starts_with("0o") || text.starts_with("0O"))) {
        text.remove_prefix(2);
        if (text.starts_with('_')) text.remove_prefix(1);
    }
    std::int64_t value = 0;
    bool too_large = false;
    for (std::size_t pos = 0; pos < text.size();) {
        char32_t c = decode_utf8(text, pos);
        if (c == '_') {
            if (!digit_before || pos == text.size()) return std::nullopt;
            digit_before = false;
            continue;
        }
        int digit = digit_value(c);
        if (digit < 0 || digit >= base) return std::nullopt;
        digit_before = true;
        too_large = too_large || value > (kMost - digit) / base;
        if (!too_large) value = value * base + digit;
    }
    if (!digit_before) return std::nullopt;
    if (too_large) throw ConfigError(std::string(text) + " is too large a number");
    return negative ? -value : value;
}

[[noreturn]] void no_integer(std::string_view text) {
    throw ConfigError("invalid literal for int() with base 10: " + py_repr(text));
}

bool is_directory(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

constexpr std::array<std::string_view, 7> kLevelNames = {"critical", "error", "warn",   "info",
                                                         "debug",    "trace", "blather"};
constexpr std::array<Level, 7> kLevels = {Level::Critical, Level::Error, Level::Warn,   Level::Info,
                                          Level::Debug,    Level::Trace, Level::Blather};

std::optional<bool> read_boolean(const std::string& lower) {
    if (lower == "yes" || lower == "true" || lower == "on" || lower == "1") return true;
    if (lower == "no" || lower == "false" || lower == "off" || lower == "0") return false;
    return std::nullopt;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
    std::optional<std::int64_t> number = read_integer(text, 10);
    if (!number || *number < 1 || *number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

// A port with the texts for each way to be wrong.
std::uint16_t port_in_range(std::string_view text) {
    std::int64_t number = parse_integer(text);
    std::string shown = std::to_string(number);
    if (number < 1) throw ConfigError(shown + " is below lower bound (1)");
    if (number > 65535) throw ConfigError(shown + " is above upper bound (65535)");
    return static_cast<std::uint16_t>(number);
}

}  // namespace

std::int64_t parse_integer(std::string_view text) {
    std::optional<std::int64_t> value = read_integer(text, 10);
    if (!value) no_integer(text);
    return *value;
}

bool parse_boolean(std::string_view text) {
    std::optional<bool> value = read_boolean(to_lower(text));
    if (!value) {
        constexpr std::string_view kWords[] = {"true", "false", "yes", "no", "on", "off"};
        throw ConfigError("not a valid boolean value: " + py_repr(text),
                          did_you_mean(to_lower(text), kWords));
    }
    return *value;
}

std::int64_t parse_byte_size(std::string_view text) {
    std::string lower = to_lower(text);
    std::int64_t factor = lower.ends_with("kb")   ? 1024
                          : lower.ends_with("mb") ? 1024 * 1024
                          : lower.ends_with("gb") ? 1024 * 1024 * 1024
                                                  : 1;
    if (factor != 1) lower.resize(lower.size() - 2);
    std::int64_t value = parse_integer(lower);
    if (value > kMost / factor || value < -(kMost / factor))
        throw ConfigError(std::string(text) + " is too large a number");
    return value * factor;
}

std::int64_t parse_octal(std::string_view text) {
    std::optional<std::int64_t> value = read_integer(text, 8);
    if (!value) throw ConfigError(std::string(text) + " can not be converted to an octal type");
    return *value;
}

Level parse_loglevel(std::string_view text) {
    std::string lower = to_lower(text);
    for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
        if (lower == kLevelNames[i]) return kLevels[i];
    }
    std::string hint = lower == "warning" ? "; did you mean 'warn'?"
                       : lower == "err"   ? "; did you mean 'error'?"
                                          : did_you_mean(lower, kLevelNames);
    throw ConfigError("bad logging level name " + py_repr(text), hint);
}

std::string parse_existing_directory(std::string_view text) {
    std::string path = expand_user(text);
    if (!is_directory(path)) throw ConfigError(std::string(text) + " is not an existing directory");
    return path;
}

std::string parse_existing_dirpath(std::string_view text) {
    std::string path = expand_user(text);
    std::string folder = directory_of(path);
    if (!folder.empty() && !is_directory(folder))
        throw ConfigError("The directory named as part of the path " + std::string(text) + " does not exist");
    return path;
}

int parse_signal_value(std::string_view text) {
    std::optional<std::int64_t> number = read_integer(text, 10);
    std::optional<int> signo = parse_signal(number ? std::to_string(*number) : std::string(trim(text)));
    if (signo) return *signo;
    std::string what = "value " + py_repr(text) + " is not a valid signal " + (number ? "number" : "name");
    if (number) throw ConfigError(what);
    constexpr std::string_view kNames[] = {"HUP",  "INT",  "QUIT", "KILL", "USR1", "USR2", "PIPE",
                                           "ALRM", "TERM", "CONT", "STOP", "TSTP", "ABRT", "WINCH"};
    std::string name = to_upper(trim(text));
    throw ConfigError(what, did_you_mean(name.starts_with("SIG") ? name.substr(3) : name, kNames));
}

std::vector<std::int32_t> parse_exit_codes(std::string_view text) {
    std::vector<std::int32_t> codes;
    for (const std::string& part : parse_list(text)) {
        std::optional<std::int64_t> code = read_integer(part, 10);
        if (!code || *code < 0 || *code > 255)
            throw ConfigError("not a valid list of exit codes: " + py_repr(text));
        codes.push_back(static_cast<std::int32_t>(*code));
    }
    return codes;
}

std::vector<std::string> parse_list(std::string_view text) {
    std::vector<std::string> parts;
    if (text.empty()) return parts;
    for (std::size_t pos = 0;;) {
        std::size_t comma = text.find(',', pos);
        parts.emplace_back(trim(text.substr(pos, comma - pos)));
        if (comma == std::string_view::npos) return parts;
        pos = comma + 1;
    }
}

std::string parse_name(std::string_view text) {
    std::string_view name = trim(text);
    for (char bad : {' ', ':', '/'}) {
        if (name.find(bad) != std::string_view::npos) {
            throw ConfigError("Invalid name: " + py_repr(text) +
                              " because of character: " + py_repr(std::string_view(&bad, 1)));
        }
    }
    return std::string(name);
}

AutorestartValue parse_autorestart(std::string_view text) {
    std::string lower = to_lower(text);
    if (lower == "unexpected") return AutorestartValue::Unexpected;
    std::optional<bool> value = read_boolean(lower);
    if (!value) {
        constexpr std::string_view kWords[] = {"unexpected", "true", "false"};
        throw ConfigError("invalid 'autorestart' value " + py_repr(lower), did_you_mean(lower, kWords));
    }
    return *value ? AutorestartValue::Yes : AutorestartValue::No;
}

LogfileValue parse_logfile_name(std::string_view text) {
    std::string lower = to_lower(text);
    if (lower == "none" || lower == "off") return {LogfileKind::None, ""};
    if (lower == "auto") return {LogfileKind::Auto, ""};
    if (lower == "syslog") return {LogfileKind::Syslog, ""};
    std::string path = parse_existing_dirpath(text);
    return {path.empty() ? LogfileKind::None : LogfileKind::Path, path};
}

uid_t parse_user(std::string_view text) {
    std::string name(text);
    if (std::optional<std::int64_t> number = read_integer(text, 10)) {
        bool possible = *number >= 0 && *number < 0xFFFFFFFF;
        if (!possible || ::getpwuid(static_cast<uid_t>(*number)) == nullptr)
            throw ConfigError("Invalid user id " + name);
        return static_cast<uid_t>(*number);
    }
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) throw ConfigError("Invalid user name " + name);
    return entry->pw_uid;
}

Owner parse_owner(std::string_view text) {
    std::size_t colon = text.find(':');
    Owner owner{parse_user(text.substr(0, colon)), std::nullopt};
    if (colon == std::string_view::npos) return owner;
    std::string name(text.substr(colon + 1));
    if (std::optional<std::int64_t> number = read_integer(name, 10)) {
        bool possible = *number >= 0 && *number < 0xFFFFFFFF;
        if (!possible || ::getgrgid(static_cast<gid_t>(*number)) == nullptr)
            throw ConfigError("Invalid group id " + name);
        owner.gid = static_cast<gid_t>(*number);
        return owner;
    }
    const group* entry = ::getgrnam(name.c_str());
    if (entry == nullptr) throw ConfigError("Invalid group name " + name);
    owner.gid = entry->gr_gid;
    return owner;
}

InetAddress parse_inet_address(std::string_view text) {
    std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        std::optional<std::uint16_t> port = read_port(text);
        if (!port) throw ConfigError("not a valid port number: " + py_repr(text) + " ");
        return {"", *port};
    }
    std::string_view port = text.substr(colon + 1);
    if (port.empty()) throw ConfigError("no port number specified in ''");
    std::string host = to_lower(text.substr(0, colon));
    return {host == "*" ? "" : host, port_in_range(port)};
}

std::string FcgiAddress::url() const {
    return path.empty() ? "tcp://" + host + ":" + std::to_string(port) : "unix://" + path;
}

FcgiAddress parse_fcgi_address(std::string_view text) {
    FcgiAddress address;
    if (text.starts_with("unix://")) {
        std::string_view path = text.substr(7);
        if (!path.starts_with('/'))
            throw ConfigError("('Unix socket path %s is not an absolute path', " + py_repr(path) + ")");
        address.path = normalize_path(path);
        return address;
    }
    auto bad = [&] { return ConfigError("('Bad socket format %s', " + py_repr(text) + ")"); };
    if (!text.starts_with("tcp://")) throw bad();
    std::string_view rest = text.substr(6);
    std::size_t colon = rest.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == rest.size()) throw bad();
    std::string_view host = rest.substr(0, colon);
    std::string_view port = rest.substr(colon + 1);
    for (std::size_t pos = 0; pos < host.size();) {
        if (is_unicode_space(decode_utf8(host, pos))) throw bad();
    }
    for (std::size_t pos = 0; pos < port.size();) {
        if (digit_value(decode_utf8(port, pos)) < 0) throw bad();
    }
    address.host = to_lower(host);
    address.port = port_in_range(port);
    return address;
}

}  // namespace reeve
