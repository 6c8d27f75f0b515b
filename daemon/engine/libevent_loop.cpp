// Timers and watches over libevent. See runtime.hpp.
//
// A callback may destroy the very timer or watch that called it, so what is called is held by a shared
// pointer that the caller copies first.
#include "daemon/engine/libevent_loop.hpp"

#include <event2/event.h>
#include <time.h>

#include <utility>

#include "common/base/log_line.hpp"

namespace reeve {

namespace {

std::uint64_t read_clock(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

class LibeventTimer : public Timer {
  public:
    LibeventTimer(event_base* base, std::function<void()> fire)
        : event_(::event_new(base, -1, 0, &LibeventTimer::on_event, this)),
          fire_(std::make_shared<std::function<void()>>(std::move(fire))) {
        if (event_ == nullptr) die("no memory for a timer");
    }
    ~LibeventTimer() override { ::event_free(event_); }
    LibeventTimer(const LibeventTimer&) = delete;
    LibeventTimer& operator=(const LibeventTimer&) = delete;

    void start(std::uint64_t microseconds) override {
        due_us_ = read_clock(CLOCK_MONOTONIC) + microseconds;
        add(microseconds);
    }
    void stop() override { ::event_del(event_); }

  private:
    void add(std::uint64_t microseconds) {
        timeval delay{};
        delay.tv_sec = static_cast<time_t>(microseconds / 1'000'000);
        delay.tv_usec = static_cast<suseconds_t>(microseconds % 1'000'000);
        if (::event_add(event_, &delay) != 0) die("a timer cannot be started");
    }
    static void on_event(evutil_socket_t, short, void* self) {
        LibeventTimer& timer = *static_cast<LibeventTimer*>(self);
        // libevent counts from when it last looked at a coarse clock, which can be some milliseconds ago. A
        // program that is tried again after a second is not tried again after less.
        std::uint64_t now = read_clock(CLOCK_MONOTONIC);
        if (now < timer.due_us_) return timer.add(timer.due_us_ - now);
        std::shared_ptr<std::function<void()>> fire = timer.fire_;
        (*fire)();
    }

    event* event_;
    std::uint64_t due_us_ = 0;
    std::shared_ptr<std::function<void()>> fire_;
};

class LibeventWatch : public Watch {
  public:
    using Ready = std::function<void(bool readable, bool writable)>;

    LibeventWatch(event_base* base, int fd, Ready ready)
        : base_(base),
          fd_(fd),
          event_(::event_new(base, fd, EV_READ | EV_PERSIST, &LibeventWatch::on_event, this)),
          ready_(std::make_shared<Ready>(std::move(ready))) {
        if (event_ == nullptr) die("no memory for a watch");
    }
    ~LibeventWatch() override { ::event_free(event_); }
    LibeventWatch(const LibeventWatch&) = delete;
    LibeventWatch& operator=(const LibeventWatch&) = delete;

    void want(bool readable, bool writable) override {
        short flags = static_cast<short>((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
        if (flags == flags_) return;
        flags_ = flags;
        ::event_del(event_);
        if (flags == 0) return;
        if (::event_assign(event_, base_, fd_, static_cast<short>(flags | EV_PERSIST),
                           &LibeventWatch::on_event, this) != 0 ||
            ::event_add(event_, nullptr) != 0) {
            die("a descriptor cannot be watched");
        }
    }

  private:
    static void on_event(evutil_socket_t, short what, void* self) {
        std::shared_ptr<Ready> ready = static_cast<LibeventWatch*>(self)->ready_;
        (*ready)((what & EV_READ) != 0, (what & EV_WRITE) != 0);
    }

    event_base* base_;
    int fd_;
    event* event_;
    short flags_ = 0;
    std::shared_ptr<Ready> ready_;
};

}  // namespace

std::uint64_t LibeventLoop::monotonic_us() const { return read_clock(CLOCK_MONOTONIC); }

std::int64_t LibeventLoop::wall_us() const { return static_cast<std::int64_t>(read_clock(CLOCK_REALTIME)); }

std::unique_ptr<Timer> LibeventLoop::make_timer(std::function<void()> fire) {
    return std::make_unique<LibeventTimer>(base_, std::move(fire));
}

std::unique_ptr<Watch> LibeventLoop::make_watch(int fd, std::function<void(bool, bool)> ready) {
    return std::make_unique<LibeventWatch>(base_, fd, std::move(ready));
}

}  // namespace reeve
