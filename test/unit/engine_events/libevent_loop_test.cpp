// The real loop: timers, watches, and their ends from within their own callbacks.
#include "daemon/engine/libevent_loop.hpp"

#include <doctest/doctest.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/unique_fd.hpp"

using namespace reeve;

namespace {

struct Base {
    event_base* base = ::event_base_new();
    LibeventLoop loop{base};
    ~Base() { ::event_base_free(base); }
    void run() { ::event_base_loop(base, EVLOOP_ONCE); }
};

}  // namespace

TEST_CASE("timers fire once, can be stopped, started anew and destroyed by themselves") {
    Base base;
    int fired = 0;
    std::unique_ptr<Timer> stopped = base.loop.make_timer([&] { fired += 100; });
    stopped->start(0);
    stopped->stop();
    std::unique_ptr<Timer> again;
    again = base.loop.make_timer([&] {
        if (++fired < 3) again->start(1000);
    });
    again->start(3'600'000'000);
    again->start(0);
    std::uint64_t before = base.loop.monotonic_us();
    for (int i = 0; i < 3; ++i) base.run();
    CHECK(fired == 3);
    CHECK(base.loop.monotonic_us() - before >= 2000);
    std::unique_ptr<Timer> own;
    std::string captured(100, 'x');
    own = base.loop.make_timer([&own, &fired, captured] {
        own.reset();
        fired += static_cast<int>(captured.size());
    });
    own->start(0);
    base.run();
    CHECK(own == nullptr);
    CHECK(fired == 103);
    CHECK(base.loop.wall_us() > 1'700'000'000'000'000);
}

TEST_CASE("watches tell what they are asked for, and can be destroyed by themselves") {
    Base base;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    UniqueFd one(ends[0]), other(ends[1]);
    int reads = 0, writes = 0;
    std::unique_ptr<Watch> watch;
    watch = base.loop.make_watch(one.get(), [&](bool readable, bool writable) {
        reads += readable;
        writes += writable;
        if (reads == 2) watch.reset();
    });
    ::event_base_loop(base.base, EVLOOP_NONBLOCK);
    CHECK(reads + writes == 0);
    watch->want(false, true);
    base.run();
    CHECK(writes == 1);
    watch->want(true, false);
    REQUIRE(::write(other.get(), "x", 1) == 1);
    base.run();
    base.run();
    CHECK(reads == 2);
    CHECK(writes == 1);
    CHECK(watch == nullptr);
    ::event_base_loop(base.base, EVLOOP_NONBLOCK);
    CHECK(reads == 2);
}

TEST_CASE("a timer is never early, even if it is started late in a long turn") {
    Base base;
    std::uint64_t due = 0;
    int fired = 0;
    std::unique_ptr<Timer> timer = base.loop.make_timer([&] {
        CHECK(base.loop.monotonic_us() >= due);
        if (++fired < 20) {
            std::uint64_t now = base.loop.monotonic_us();
            while (base.loop.monotonic_us() < now + 3000) {
            }
            due = base.loop.monotonic_us() + 5000;
            timer->start(5000);
        }
    });
    due = base.loop.monotonic_us() + 5000;
    timer->start(5000);
    ::event_base_dispatch(base.base);
    CHECK(fired == 20);
}
