// Lines to the system logger. See syslog.hpp.
#include "daemon/logwriter/syslog.hpp"

#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace reeve {
namespace {

constexpr std::size_t kMaxQueued = 1024;    // messages
constexpr std::size_t kMaxLine = 8 * 1024;  // bytes of one message; longer lines make several
constexpr int kFacilityUser = 1;
constexpr timeval kRetry{1, 0};
constexpr timeval kAskAgain{5, 0};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

int syslog_severity(Level level) {
    if (level >= Level::Critical) return 2;
    if (level >= Level::Error) return 3;
    if (level >= Level::Warn) return 4;
    if (level >= Level::Info) return 6;
    return 7;
}

std::string syslog_message(int severity, std::string_view line, std::int64_t at) {
    time_t seconds = static_cast<time_t>(at);
    tm local{};
    ::localtime_r(&seconds, &local);
    char head[64];
    int length = std::snprintf(
        head, sizeof head, "<%d>%s %2d %02d:%02d:%02d supervisord: ", kFacilityUser * 8 + severity,
        kMonths[local.tm_mon % 12], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
    std::string message(head, static_cast<std::size_t>(std::max(length, 0)));
    std::size_t start = message.size();
    message.append(line);
    std::replace(message.begin() + static_cast<std::ptrdiff_t>(start), message.end(), '\0', ' ');
    return message;
}

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& use) {
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    for (;;) {
        std::size_t end = text.find('\n');
        use(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

Syslog::Syslog(event_base* base, std::function<void()> reconnect)
    : base_(base), reconnect_(std::move(reconnect)), retry_(event_new(base, -1, 0, on_retry, this)) {}

void Syslog::open(UniqueFd socket) {
    writable_.reset();
    socket_ = static_cast<UniqueFd&&>(socket);
    writable_.reset(event_new(base_, socket_.get(), EV_WRITE, on_writable, this));
    flush();
}

void Syslog::send(int severity, std::string_view line) {
    do {
        if (queue_.size() >= kMaxQueued) {
            ++dropped_;
            return;
        }
        queue_.push_back(syslog_message(severity, line.substr(0, kMaxLine), ::time(nullptr)));
        line.remove_prefix(std::min(line.size(), kMaxLine));
    } while (!line.empty());
    if (!socket_.valid()) return ask();
    if (evtimer_pending(writable_.get(), nullptr) == 0) flush();
}

void Syslog::flush() {
    while (!queue_.empty()) {
        const std::string& first = queue_.front();
        if (::send(socket_.get(), first.data(), first.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == ENOBUFS) {
                event_add(writable_.get(), &kRetry);
                return;
            }
            if (errno != EMSGSIZE) {  // the logger has ended
                writable_.reset();
                socket_.reset();
                return ask();
            }
            ++dropped_;
        }
        queue_.pop_front();
    }
}

void Syslog::ask() {
    if (evtimer_pending(retry_.get(), nullptr) != 0) return;
    event_add(retry_.get(), &kAskAgain);
    reconnect_();
}

void Syslog::on_retry(evutil_socket_t, short, void* self) {
    Syslog& syslog = *static_cast<Syslog*>(self);
    if (!syslog.socket_.valid() && !syslog.queue_.empty()) syslog.ask();
}

void Syslog::on_writable(evutil_socket_t, short, void* self) { static_cast<Syslog*>(self)->flush(); }

std::uint64_t Syslog::take_dropped() { return std::exchange(dropped_, 0); }

}  // namespace reeve
