// The engine keeps to the spawner's limit for starts.
#include <doctest/doctest.h>

#include <vector>

#include "common/base/spawn_limit.hpp"
#include "daemon/engine/spawn_pace.hpp"
#include "test/unit/engine_events/fakes.hpp"

using namespace reeve;

TEST_CASE(
    "starts that come too fast wait for their turn, in order, but who was started long ago goes first") {
    FakeLoop loop;
    std::vector<std::uint32_t> started;
    SpawnPace pace(loop, [&](std::uint32_t slot) { started.push_back(slot); });
    pace.resize(10);
    for (std::uint32_t slot = 0; slot < 100; ++slot) pace.request(slot);
    CHECK(started.size() == 60);  // a little less than the spawner's 64
    loop.advance(101'000);
    CHECK(started.size() == 65);  // 50 a second
    loop.advance(1'000'000);
    CHECK(started.size() == 100);
    CHECK(loop.idle());
    for (std::uint32_t slot = 0; slot < 100; ++slot) CHECK(started[slot] == slot);
    loop.advance(10'000'000);
    for (std::uint32_t slot = 0; slot < 99; ++slot) pace.request(slot);
    CHECK(started.size() == 160);
    loop.advance(1'000'000);
    started.clear();
    for (std::uint32_t slot = 0; slot < 100; ++slot) pace.request(slot);
    CHECK(started.size() < 20);
    CHECK(started.back() < 20);
    loop.advance(21'000);
    CHECK(started.back() == 99);
}

TEST_CASE("a start that waits can be taken back") {
    FakeLoop loop;
    std::size_t started = 0;
    SpawnPace pace(loop, [&](std::uint32_t) { ++started; });
    for (std::uint32_t slot = 0; slot < 62; ++slot) pace.request(slot);
    CHECK(!pace.cancel(59));
    CHECK(pace.cancel(60));
    CHECK(!pace.cancel(60));
    loop.advance(1'000'000);
    CHECK(started == 61);
}

TEST_CASE("a large configuration starts at once") {
    FakeLoop loop;
    std::size_t started = 0;
    SpawnPace pace(loop, [&](std::uint32_t) { ++started; });
    for (std::uint32_t slots = 1; slots <= 1000; ++slots) pace.resize(slots);
    for (std::uint32_t slot = 0; slot < 1000; ++slot) pace.request(slot);
    CHECK(started == 1000);
}

TEST_CASE("the spawner never has to wait") {
    FakeLoop loop;
    std::uint64_t slots = 200;
    std::uint64_t tokens = spawn_burst(slots) * 1000,
                  filled_ms = loop.now / 1000;  // as the spawner counts them
    bool short_of = false;
    SpawnPace pace(loop, [&](std::uint32_t) {
        std::uint64_t now_ms = loop.now / 1000;
        tokens = std::min(spawn_burst(slots) * 1000, tokens + (now_ms - filled_ms) * spawns_a_second(slots));
        filled_ms = now_ms;
        if (tokens < 1000) short_of = true;
        tokens -= std::min<std::uint64_t>(tokens, 1000);
    });
    pace.resize(slots);
    for (int turn = 0; turn < 3000; ++turn) {
        pace.request(static_cast<std::uint32_t>(turn % 200));
        loop.advance(static_cast<std::uint64_t>(turn * 37 % 4000));
    }
    loop.advance(10'000'000);
    CHECK(!short_of);
}
