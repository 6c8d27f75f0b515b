// The spawner's own log lines. See say.hpp.
#include "spawner/say.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "common/base/log_line.hpp"

namespace reeve {
namespace {

// A pipe that is writable takes this much without blocking; longer lines are cut.
constexpr std::size_t kLongestLine = 4000;

bool takes_bytes(int fd) {
    pollfd one{fd, POLLOUT, 0};
    return ::poll(&one, 1, 0) == 1 && (one.revents & POLLOUT) != 0;
}

// Facility user, as syslog(3) would write it; the system logger adds the host.
void send_to_syslog(int fd, Level level, std::string_view text) {
    constexpr int kSeverities[] = {7, 7, 6, 4, 3, 2};  // of RFC 5424, by tens of the level
    char line[kLongestLine + 64];
    char stamp[32] = "";
    time_t now = ::time(nullptr);
    tm local{};
    ::strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", ::localtime_r(&now, &local));
    int length = std::snprintf(line, sizeof line, "<%d>%s supervisord: %.*s",
                               8 + kSeverities[static_cast<int>(level) / 10], stamp,
                               static_cast<int>(text.size()), text.data());
    [[maybe_unused]] ssize_t sent =
        ::send(fd, line, static_cast<std::size_t>(length), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

void say_text(const State& state, Level level, std::string_view text) {
    if (level < state.loglevel) return;
    text = text.substr(0, kLongestLine);
    if (state.syslog.valid()) send_to_syslog(state.syslog.get(), level, text);
    if (state.main_log.valid() && (!state.main_log_special || takes_bytes(state.main_log.get())))
        write_line(state.main_log.get(), level, text);
    if (state.console && takes_bytes(STDOUT_FILENO)) write_line(STDOUT_FILENO, level, text);
}

void say(const State& state, Level level, const char* format, ...) {
    char text[kLongestLine + 1];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say_text(state, level, text);
}

UniqueFd connect_syslog() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{AF_UNIX, "/dev/log"};
    if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        fd.reset();
    return fd;
}

HowEnded how_ended(int wait_status) {
    HowEnded how{};
    const char* name = ::sigabbrev_np(WTERMSIG(wait_status));
    const char* core = WCOREDUMP(wait_status) ? " (core dumped)" : "";
    if (WIFEXITED(wait_status)) {
        std::snprintf(how.text, sizeof how.text, "exit status %d", WEXITSTATUS(wait_status));
    } else if (name != nullptr) {
        std::snprintf(how.text, sizeof how.text, "terminated by SIG%s%s", name, core);
    } else {
        std::snprintf(how.text, sizeof how.text, "terminated by signal %d%s", WTERMSIG(wait_status), core);
    }
    return how;
}

}  // namespace reeve
