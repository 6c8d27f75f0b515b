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

std::size_t line_prefix(std::span<char> out, Level level) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm local{};
    ::localtime_r(&now.tv_sec, &local);
    int length =
        std::snprintf(out.data(), out.size(), "%04d-%02d-%02d %02d:%02d:%02d,%03d %s ", local.tm_year + 1900,
                      local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                      static_cast<int>(now.tv_nsec / 1000000), level_name(level));
    return length < 0 ? 0 : std::min(static_cast<std::size_t>(length), out.size() - 1);
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
