// What the engine's parts need from their surroundings: a log, a clock, timers, and news of descriptors.
//
// Interfaces, so that each unit can be tested without an event loop. LibeventLoop (libevent_loop.hpp) is the
// real one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "common/base/messages.hpp"

namespace reeve {

class Log {
  public:
    virtual ~Log() = default;
    // Whether a line of this level is written at all; asked before costly texts are made.
    virtual bool wants(Level level) const = 0;
    virtual void line(Level level, std::string_view text) = 0;
    // Whether all lines so far are in the log. If not, when_settled() tells once they are, or that it takes too
    // long: a client that is told of a state should find its line in the log.
    virtual bool settled() const { return true; }
    virtual void when_settled(std::function<void()> tell) { tell(); }
};

// Fires once after start(), unless stopped or started anew. Destroying it stops it, also from its own
// callback.
class Timer {
  public:
    virtual ~Timer() = default;
    virtual void start(std::uint64_t microseconds) = 0;
    virtual void stop() = 0;
};

// Watches one descriptor, level-triggered. Destroying it ends the watch, also from its own callback. The
// descriptor stays the caller's and must live longer than the watch.
class Watch {
  public:
    virtual ~Watch() = default;
    virtual void want(bool readable, bool writable) = 0;
};

class Loop {
  public:
    virtual ~Loop() = default;
    virtual std::uint64_t monotonic_us() const = 0;
    virtual std::int64_t wall_us() const = 0;  // microseconds since 1970
    virtual std::unique_ptr<Timer> make_timer(std::function<void()> fire) = 0;
    // Wants nothing until want() is called.
    virtual std::unique_ptr<Watch> make_watch(int fd,
                                              std::function<void(bool readable, bool writable)> ready) = 0;
};

}  // namespace reeve
