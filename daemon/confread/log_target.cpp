// What kind of thing a log file's path names. See log_target.hpp.
#include "daemon/confread/log_target.hpp"

#include <sys/random.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace reeve {

void set_log_target(LogSetting& log, const std::string& path) {
    log.kind = LogKind::File;
    log.path = path;
    std::string_view number;
    if (path == "/dev/stdout") number = "1";
    if (path == "/dev/stderr") number = "2";
    for (std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
        if (path.starts_with(folder)) number = std::string_view(path).substr(folder.size());
    }
    std::uint32_t descriptor = 0;
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), descriptor);
    if (number.empty() || error != std::errc{} || end != number.data() + number.size()) return;
    log.kind = LogKind::Descriptor;
    log.descriptor = descriptor;
}

std::int32_t clamp_to_int32(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, std::numeric_limits<std::int32_t>::min(),
                                                              std::numeric_limits<std::int32_t>::max()));
}

std::string auto_log_path(const DaemonSetting& daemon, const std::string& name, const char* channel) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    std::uint8_t random[8] = {};
    if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
        throw ConfigError("the system has no random numbers");
    std::string path = daemon.childlogdir + "/" + name + "-" + channel + "---" + daemon.identifier + "-";
    for (std::uint8_t byte : random) path += kLetters[byte % kLetters.size()];
    return path + ".log";
}

}  // namespace reeve
