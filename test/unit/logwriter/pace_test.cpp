// How long pipes may fill: programs that write at a known rate, and what they and their readers notice.
#include "daemon/logwriter/pace.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace reeve;

namespace {

constexpr std::size_t kPipe = 65536;

// A program that writes `rate` bytes a millisecond, one piece each `every` microseconds, seen over some
// turns.
struct Scene {
    Pace pace;
    std::int64_t now = 1'000'000;
    std::int64_t longest = 0;  // rest
    std::size_t fullest = 0;   // bytes found in the pipe
    std::size_t turns = 0;

    void run(std::int64_t microseconds, std::int64_t every, std::size_t piece, std::size_t capacity = kPipe) {
        std::int64_t end = now + microseconds;
        std::int64_t next = now + every;
        longest = 0;
        fullest = turns = 0;
        pace.turn_begins(now);
        while (now < end) {
            now = std::max(now, next);  // epoll_wait
            std::size_t bytes = 0;
            for (; next <= now; next += every) bytes += piece;
            bytes = std::min(bytes, capacity);  // the program stands still
            fullest = std::max(fullest, bytes);
            pace.moved(bytes, capacity, now);
            now += 10;  // the work
            std::int64_t rest = pace.rest();
            longest = std::max(longest, rest);
            now += rest;
            pace.turn_begins(now);
            ++turns;
        }
    }
};

}  // namespace

TEST_CASE("output now and then is never late") {
    Scene scene;
    scene.run(1'000'000, 5'000, 100);
    CHECK(scene.longest == 0);
    CHECK(scene.turns == 200);
}

TEST_CASE("many small pieces are gathered, and no longer than ten milliseconds") {
    Scene scene;
    scene.run(1'000'000, 66, 40);
    CHECK(scene.longest == Pace::kLongest);
    CHECK(scene.turns < 200);
    // After a pause the first one is not late.
    scene.now += 100'000;
    scene.pace.turn_begins(scene.now - 50'000);
    scene.pace.moved(40, kPipe, scene.now);
    CHECK(scene.pace.rest() == 0);
}

TEST_CASE("no pipe gets full by the rest") {
    for (std::size_t capacity : {std::size_t{4096}, kPipe, 4 * kPipe}) {
        for (std::size_t piece : {20u, 200u, 2000u}) {
            CAPTURE(capacity);
            CAPTURE(piece);
            Scene scene;
            scene.run(1'000'000, 20, piece, capacity);
            scene.run(1'000'000, 20, piece, capacity);
            bool too_fast = piece * 5 > capacity / 2;  // even the shortest rest would fill it
            CHECK((scene.fullest < capacity * 3 / 4 || too_fast));
            CHECK((scene.turns < 20'000 || too_fast));
        }
    }
}

TEST_CASE("a pipe that is found full ends the rest at once") {
    Scene scene;
    scene.run(1'000'000, 66, 40);
    CHECK(scene.longest == Pace::kLongest);
    scene.pace.moved(kPipe, kPipe, scene.now);
    CHECK(scene.pace.rest() == 0);
    scene.run(1'000'000, 50, kPipe);
    CHECK(scene.longest == 0);
}
