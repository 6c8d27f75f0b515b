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
    constexpr const char* kNames[] = {"BLAT", "DEBG", "INFO", "WARN", "ERRO", "CRIT"};  // by tens
    auto tens = static_cast<std::size_t>(level) / 10;
    if (level == Level::Trace) return "TRAC";
    return tens < sizeof kNames / sizeof kNames[0] ? kNames[tens] : "????";
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

void write_line(int fd, Level level, std::string_view text) {
    char prefix[64];
    text = text.substr(0, kMaxText);
    char newline = '\n';
    iovec parts[3] = {
        {prefix, line_prefix(prefix, level)}, {const_cast<char*>(text.data()), text.size()}, {&newline, 1}};
    [[maybe_unused]] ssize_t written = ::writev(fd, parts, 3);
}

void die(const char* what, const char* detail) {
    ::dprintf(STDERR_FILENO, "reeve: %s %s\n", what, detail);
    std::abort();
}

}  // namespace reeve
