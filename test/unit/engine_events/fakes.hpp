// A loop whose clock the test moves, and a log that keeps its lines.
#pragma once

#include <poll.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log_line.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

class FakeLoop : public Loop {
  public:
    std::uint64_t now = 1'000'000'000;
    std::int64_t wall = 1'795'218'653'200'000;  // a multiple of 5 s comes 1.8 s later

    std::uint64_t monotonic_us() const override { return now; }
    std::int64_t wall_us() const override { return wall; }
    std::unique_ptr<Timer> make_timer(std::function<void()> fire) override {
        return std::make_unique<FakeTimer>(*this, std::move(fire));
    }
    std::unique_ptr<Watch> make_watch(int fd, std::function<void(bool, bool)> ready) override {
        return std::make_unique<FakeWatch>(*this, fd, std::move(ready));
    }

    // Moves both clocks on, firing what is due on the way at its time.
    void advance(std::uint64_t microseconds) {
        std::uint64_t end = now + microseconds;
        for (;;) {
            FakeTimer* next = nullptr;
            for (FakeTimer* timer : timers) {
                if (timer->running && timer->due <= end && (next == nullptr || timer->due < next->due))
                    next = timer;
            }
            if (next == nullptr) break;
            move_to(std::max(now, next->due));
            next->running = false;
            ++fired;
            std::function<void()> fire = next->fire;
            fire();
        }
        move_to(end);
    }

    // Serves the watches until none has anything to do.
    void run_watches() {
        for (int turns = 0; turns < 1000; ++turns) {
            bool any = false;
            for (FakeWatch* watch : std::vector<FakeWatch*>(watches)) {
                if (std::find(watches.begin(), watches.end(), watch) == watches.end()) continue;
                pollfd one{watch->fd,
                           static_cast<short>((watch->read ? POLLIN : 0) | (watch->write ? POLLOUT : 0)), 0};
                if (one.events == 0 || ::poll(&one, 1, 0) != 1) continue;
                any = true;
                std::function<void(bool, bool)> ready = watch->ready;
                ready(watch->read && (one.revents & (POLLIN | POLLHUP | POLLERR)) != 0,
                      watch->write && (one.revents & (POLLOUT | POLLERR)) != 0);
            }
            if (!any) return;
        }
        die("the watches never come to rest");
    }

    bool idle() const {
        return std::none_of(timers.begin(), timers.end(), [](FakeTimer* timer) { return timer->running; });
    }
    int fired = 0;

  private:
    struct FakeTimer : Timer {
        FakeTimer(FakeLoop& owner, std::function<void()> callback) : loop(owner), fire(std::move(callback)) {
            loop.timers.push_back(this);
        }
        ~FakeTimer() override { std::erase(loop.timers, this); }
        void start(std::uint64_t microseconds) override {
            due = loop.now + microseconds;
            running = true;
        }
        void stop() override { running = false; }
        FakeLoop& loop;
        std::function<void()> fire;
        std::uint64_t due = 0;
        bool running = false;
    };
    struct FakeWatch : Watch {
        FakeWatch(FakeLoop& owner, int descriptor, std::function<void(bool, bool)> callback)
            : loop(owner), fd(descriptor), ready(std::move(callback)) {
            loop.watches.push_back(this);
        }
        ~FakeWatch() override { std::erase(loop.watches, this); }
        void want(bool readable, bool writable) override {
            read = readable;
            write = writable;
        }
        FakeLoop& loop;
        int fd;
        std::function<void(bool, bool)> ready;
        bool read = false;
        bool write = false;
    };
    void move_to(std::uint64_t when) {
        wall += static_cast<std::int64_t>(when - now);
        now = when;
    }
    std::vector<FakeTimer*> timers;
    std::vector<FakeWatch*> watches;
};

class FakeLog : public Log {
  public:
    std::vector<std::string> lines;  // "WARN text"
    bool in_the_log = true;          // what settled() says; else tell_settled is kept
    std::function<void()> tell_settled;
    bool settled() const override { return in_the_log; }
    void when_settled(std::function<void()> tell) override { tell_settled = std::move(tell); }
    bool wants(Level) const override { return true; }
    void line(Level level, std::string_view text) override {
        lines.push_back(std::string(level_name(level)) + " " + std::string(text));
    }
    std::vector<std::string> take() { return std::exchange(lines, {}); }
};

}  // namespace reeve
