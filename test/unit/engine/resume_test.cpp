// An engine dies and another one takes over: what the notes say, and what becomes of each process.
#include <doctest/doctest.h>

#include "replay.hpp"

using namespace replay;

namespace {

// A successor that sees the slot as the spawner would show it.
struct Successor : Replay {
    Successor(Replay& old, ProcessSettings settings, SlotState state, std::uint32_t serial, int status = 0,
              bool may_start = true)
        : Replay(std::move(settings)) {
        running_mood = may_start;
        loop.now = old.loop.now;
        loop.wall = old.loop.wall;
        SlotBody slot{};
        slot.state = state;
        std::memcpy(slot.note, old.saved.note, sizeof slot.note);
        if (state != SlotState::Empty) {
            slot.pid = 100;
            slot.start_us = static_cast<std::uint64_t>(old.p().start_wall_us());
            slot.start_mono_us = old.loop.now - static_cast<std::uint64_t>(old.p().uptime_us());
            slot.wait_status = static_cast<std::uint32_t>(status);
            slot.end_us = state == SlotState::Exited ? static_cast<std::uint64_t>(loop.wall) : 0;
            slot.killed = old.p().stopping() ? 1 : 0;
        }
        p().resume(slot, serial);
        p().start_if_due();
    }
};

}  // namespace

TEST_CASE("a RUNNING process stays untouched") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    old.pass(5);
    Successor fresh(old, settings(), SlotState::Live, 1);
    CHECK(fresh.state() == "RUNNING");
    CHECK(fresh.p().pid() == 100);
    CHECK(fresh.take().empty());
    CHECK(fresh.loop.idle());
    CHECK(fresh.p().uptime_us() == 5'000'000);
}

TEST_CASE("a STARTING process gets the rest of its startsecs") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    old.pass(0.6);
    Successor fresh(old, settings(), SlotState::Live, 1);
    CHECK(fresh.state() == "STARTING");
    fresh.pass(0.39);
    CHECK(fresh.state() == "STARTING");
    fresh.pass(0.02);
    CHECK(fresh.state() == "RUNNING");
}

TEST_CASE("a STOPPING process keeps its deadline, and what should follow") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    old.pass(1);
    old.p().stop();
    old.p().start();
    old.pass(4);
    Successor fresh(old, settings(), SlotState::Live, 1);
    CHECK(fresh.state() == "STOPPING");
    CHECK(fresh.p().start_wanted());
    CHECK(fresh.take().empty());
    fresh.pass(5.9);
    CHECK(fresh.take().empty());
    fresh.pass(0.2);
    CHECK(fresh.take().front() == "WARN killing 'p' (100) with SIGKILL");
    fresh.ended(9);
    CHECK(fresh.state() == "STARTING");
}

TEST_CASE("an end that nobody reported is reported, once") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    old.pass(1);
    SUBCASE("unreported") {
        Successor fresh(old, settings(), SlotState::Exited, 1, Replay::code(1));
        Seen seen = fresh.take();
        REQUIRE(seen.size() > 2);
        CHECK(seen[1] == "WARN exited: p (exit status 1; not expected)");
        CHECK(seen[2] == "ACK");
    }
    SUBCASE("reported, but not acknowledged: the restart is still due") {
        auto s = settings();
        old.make(s);
        old.p().start();
        old.next_serial = 8;
        old.spawned();
        old.pass(1);
        old.running_mood = false;  // dies before it can start it again
        old.ended(Replay::code(1));
        Successor fresh(old, s, SlotState::Exited, 8, Replay::code(1));
        CHECK(fresh.take() == Seen{"ACK", "E STARTING from EXITED tries:0", "SPAWN"});
    }
}

TEST_CASE("an engine that dies while it tells of an end has noted it: the end is not told twice") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    std::string told;  // what it dies at
    Seen then;         // what the successor does
    SUBCASE("an end of itself") {
        old.pass(1);
        told = "E EXITED from RUNNING expected:0";
        then = {"ACK", "E STARTING from EXITED tries:0", "SPAWN"};
    }
    SUBCASE("a stop") {
        old.pass(1);
        old.p().stop();
        told = "E STOPPED from STOPPING pid:100";
        then = {"ACK"};
    }
    SUBCASE("an early end") {
        told = "E BACKOFF from STARTING tries:1";
        then = {"ACK"};
    }
    SUBCASE("first that it was RUNNING, which nobody had seen: the end is still to be told") {
        old.loop.now += 2'000'000;  // no timer has fired yet
        old.loop.wall += 2'000'000;
        told = "E RUNNING from STARTING pid:100";
        then = {told,
                "E EXITED from RUNNING expected:0",
                "WARN exited: p (exit status 1; not expected)",
                "ACK",
                "E STARTING from EXITED tries:0",
                "SPAWN"};
    }
    old.take();
    old.saved_at.clear();
    old.running_mood = false;  // its own restart would change what the spawner tells of the dead child
    old.ended(Replay::code(1));
    Seen states;
    for (const std::string& line : old.take()) {
        if (line.starts_with("E ")) states.push_back(line);
    }
    auto at = std::find(states.begin(), states.end(), told) - states.begin();
    REQUIRE(static_cast<std::size_t>(at) < old.saved_at.size());
    old.saved = old.saved_at[static_cast<std::size_t>(at)];
    Successor fresh(old, settings(), SlotState::Exited, 1, Replay::code(1));
    CHECK(fresh.take() == then);
}

TEST_CASE("an early end stays an early end, however late it is looked at") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    old.pass(0.5);
    Successor fresh(old, settings(), SlotState::Exited, 1, Replay::code(1));
    CHECK(fresh.state() == "BACKOFF");
    CHECK(fresh.p().failures() == 1);
}

TEST_CASE("BACKOFF goes on waiting, with its counter") {
    auto s = settings();
    s.start_retries = 10;
    Replay old(s);
    old.p().start();
    old.failed(Stage::Fork, EAGAIN);
    old.pass(1);
    old.failed(Stage::Fork, EAGAIN);
    old.pass(0.5);
    Successor fresh(old, s, SlotState::Empty, 0);
    CHECK(fresh.state() == "BACKOFF");
    CHECK(fresh.p().spawn_error_text() == "Too many processes in process table to spawn 'p'");
    fresh.pass(1.49);
    CHECK(fresh.take().empty());
    fresh.pass(0.02);
    CHECK(fresh.take() == Seen{"E STARTING from BACKOFF tries:2", "SPAWN"});
}

TEST_CASE("a spawn whose answer was lost is asked for again") {
    Replay old(settings());
    old.p().start();
    Successor fresh(old, settings(), SlotState::Empty, 0);
    CHECK(fresh.take() == Seen{"SPAWN"});
    fresh.spawned();
    CHECK(fresh.state() == "STARTING");
    CHECK(fresh.p().pid() == 100);
}

TEST_CASE("... but not if supervisord stops") {
    Replay old(settings());
    old.p().start();
    Successor fresh(old, settings(), SlotState::Empty, 0, 0, false);
    CHECK(fresh.take() == Seen{"E STOPPING from STARTING pid:0", "E STOPPED from STOPPING pid:0"});
}

TEST_CASE("stopped ones stay stopped, with their history") {
    Replay old(settings());
    old.p().start();
    old.spawned();
    old.pass(1);
    old.p().stop();
    old.ended(Replay::code(3));
    Successor fresh(old, settings(), SlotState::Empty, 0);
    CHECK(fresh.state() == "STOPPED");
    CHECK(fresh.take().empty());
    CHECK(fresh.p().exit_status() == 3);
    CHECK(fresh.p().start_wall_us() / 1'000'000 == old.p().start_wall_us() / 1'000'000);
    CHECK(fresh.p().stop_wall_us() / 1'000'000 == old.p().stop_wall_us() / 1'000'000);
}

TEST_CASE("a slot without a note is one that was never started") {
    Replay fresh(settings());
    SlotBody slot{};
    fresh.p().resume(slot, 0);
    fresh.p().start_if_due();
    CHECK(fresh.take() == Seen{"E STARTING from STOPPED tries:0", "SPAWN"});
}
