// The engine's Loop over a libevent base.
#pragma once

#include "daemon/engine/runtime.hpp"

struct event_base;

namespace reeve {

class LibeventLoop : public Loop {
  public:
    // The base stays the caller's and must live longer than this and all that this has made.
    explicit LibeventLoop(event_base* base) : base_(base) {}

    std::uint64_t monotonic_us() const override;
    std::int64_t wall_us() const override;
    std::unique_ptr<Timer> make_timer(std::function<void()> fire) override;
    std::unique_ptr<Watch> make_watch(int fd,
                                      std::function<void(bool readable, bool writable)> ready) override;

  private:
    event_base* base_;
};

}  // namespace reeve
