// Main-log lines without allocation. See log_line.hpp.
#include "common/base/log_line.hpp"

#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace reeve {

const char* level_name(Level level) {
    switch (level) {
        case Level::Blather: return "BLAT";
        case Level::Trace: return "TRAC";
        case Level::Debug: return "DEBG";
        case Level::Info: return "INFO";
        case Level::Warn: return "WARN";
        case Level::Error: return "ERRO";
        case Level::Critical: return "CRIT";
    }
    return "????";
}

std::size_t line_prefix(std::span<char> out, Level level, std::int64_t age_ms) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::int64_t ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000 - age_ms;
    time_t seconds = static_cast<time_t>(ms / 1000);
    tm local{};
    ::localtime_r(&seconds, &local);
    int length = std::snprintf(out.data(), out.size(), "%04d-%02d-%02d %02d:%02d:%02d,%03d %s ",
                               local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
                               local.tm_min, local.tm_sec, static_cast<int>(ms % 1000), level_name(level));
    return length < 0 ? 0 : std::min(static_cast<std::size_t>(length), out.size() - 1);
}

std::uint32_t line_stamp(std::int64_t wall_us) {
    auto stamp = static_cast<std::uint32_t>(wall_us / 1000);
    return stamp != 0 ? stamp : 1;
}

std::int64_t line_age_ms(std::uint32_t stamp, std::int64_t now_us) {
    constexpr std::uint32_t kOldest = 24 * 3600 * 1000;
    std::uint32_t age = static_cast<std::uint32_t>(now_us / 1000) - stamp;
    return stamp != 0 && age <= kOldest ? age : 0;
}

void write_line(int fd, Level level, std::string_view text) {
    char prefix[64];
    text = text.substr(0, kMaxText);
    char newline = '\n';
    iovec parts[3] = {
        {prefix, line_prefix(prefix, level)}, {const_cast<char*>(text.data()), text.size()}, {&newline, 1}};
    ssize_t ignored = ::writev(fd, parts, 3);
    static_cast<void>(ignored);
}

void die(const char* what, const char* detail) {
    char line[512];
    int length = std::snprintf(line, sizeof line, "reeve: %s %s\n", what, detail);
    if (length > 0) {
        ssize_t ignored = ::write(2, line, std::min(static_cast<std::size_t>(length), sizeof line - 1));
        static_cast<void>(ignored);
    }
    std::abort();
}

}  // namespace reeve
