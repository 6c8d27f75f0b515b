// The types of configuration values: from text to value. Each function throws ConfigError with the text that
// the original program has for a bad value; who knows the file and the key adds them (Reader in
// daemon/confread, or the caller).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/messages.hpp"
#include "common/conf/error.hpp"
#include "common/conf/expand.hpp"

namespace reeve {

// Decimal, optional sign, single _ between digits, blanks around. Beyond 64 bits: "X is too large a number".
std::int64_t parse_integer(std::string_view text);
// yes true on 1, no false off 0, in any case.
bool parse_boolean(std::string_view text);
// An integer, with kb, mb or gb in any case.
std::int64_t parse_byte_size(std::string_view text);
// Octal digits, optional 0o.
std::int64_t parse_octal(std::string_view text);
// critical error warn info debug trace blather, in any case.
Level parse_loglevel(std::string_view text);
// A directory that exists; ~ is expanded, the result is not made absolute.
std::string parse_existing_directory(std::string_view text);
// A path whose directory exists; ~ is expanded.
std::string parse_existing_dirpath(std::string_view text);
// A signal number that has a name; 0 is one.
int parse_signal_value(std::string_view text);
// Comma list of 0..255, or empty.
std::vector<std::int32_t> parse_exit_codes(std::string_view text);
// Split at commas, each part trimmed, empty parts kept; empty text: no part.
std::vector<std::string> parse_list(std::string_view text);
// Trimmed; without blank, ':' and '/'.
std::string parse_name(std::string_view text);

enum class AutorestartValue { No, Yes, Unexpected };
AutorestartValue parse_autorestart(std::string_view text);

// What *_logfile of a program may be.
enum class LogfileKind { None, Auto, Syslog, Path };
struct LogfileValue {
    LogfileKind kind;
    std::string path;  // of Path
};
LogfileValue parse_logfile_name(std::string_view text);

// A user name or number that the system knows: "Invalid user name X", "Invalid user id X".
uid_t parse_user(std::string_view text);
// USER or USER:GROUP. Without group: nullopt. The error text is the bare fault; callers word it.
struct Owner {
    uid_t uid;
    std::optional<gid_t> gid;
};
Owner parse_owner(std::string_view text);

// Of [inet_http_server] port=: [HOST:]PORT. host empty: all IPv4 interfaces.
struct InetAddress {
    std::string host;  // lower case
    std::uint16_t port;
};
InetAddress parse_inet_address(std::string_view text);

// Of [fcgi-program] socket=: unix:///path or tcp://host:port.
struct FcgiAddress {
    std::string path;  // empty: TCP
    std::string host;  // lower case
    std::uint16_t port = 0;
    std::string url() const;
};
FcgiAddress parse_fcgi_address(std::string_view text);

// KEY=value,KEY2="value 2"; later duplicates win. Throws ConfigError: "Unexpected end of key/value pairs in
// value 'TEXT'", "No closing quotation", "No escaped character".
Environment parse_environment(std::string_view text);

}  // namespace reeve
