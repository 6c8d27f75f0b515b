// What each part may say to the spawner, and when: every type of the catalogue, on either edge, in every
// state. A request that a state does not allow costs the sender its life, and changes nothing.
#include <doctest/doctest.h>
#include <signal.h>

#include <string_view>

#include "fixture.hpp"
#include "spawner/child_end.hpp"
#include "spawner/finish.hpp"
#include "spawner/from_log.hpp"
#include "spawner/loop.hpp"
#include "spawner/parts.hpp"

using namespace reeve;

namespace {

constexpr std::uint32_t kSlot = 3;

// How far things are when the message comes; the requests name slot 3 and, where there is one, its child.
enum State_ { Untold, NotReady, Inactive, Empty_, Live, Exited, kStates };
constexpr const char* kStateNames[kStates] = {"untold", "not ready", "inactive", "empty", "live", "exited"};

// One letter for each state: a accepted, x a violation.
struct Rule {
    Msg type;
    const char* verdicts;
};
// clang-format off
constexpr Rule kEngineRules[] = {
    {Msg::READY, "xaxxxx"}, {Msg::RELOAD, "xxaaaa"}, {Msg::ACTIVATE, "xxaxxx"}, {Msg::DEACTIVATE, "xxxaxx"},
    {Msg::SPAWN, "xxxaxx"}, {Msg::CHECK, "xxxaaa"},  {Msg::KILL, "xxxxaa"},     {Msg::ACK_EXIT, "xxxxxa"},
    {Msg::NOTE, "xxxaaa"},  {Msg::FINISH, "xxaaxa"}, {Msg::STOPPING, "xxaaaa"},
};
constexpr Rule kLogRules[] = {
    {Msg::OPEN, "xaaaaa"},
    {Msg::S_DRAINED, "xaaaaa"},
};
// clang-format on

constexpr Msg kAllTypes[] = {
#define X(name, number, edge, body, tail, fewest, most) Msg::name,
    REEVE_MESSAGES(X)
#undef X
};

const char* verdicts_of(std::span<const Rule> rules, Msg type) {
    for (const Rule& rule : rules) {
        if (rule.type == type) return rule.verdicts;
    }
    return "xxxxxx";  // another edge's
}

PaperImage image() {
    PaperImage made;
    PaperProgram sleeper;
    sleeper.argv = {"sleep", "100"};
    sleeper.candidates = {"/bin/sleep"};
    made.groups = {{sleeper}};
    return made;
}

void end_child(State& state) {
    Slot* slot = state.table.find(kSlot);
    if (slot == nullptr || slot->state != SlotState::Live) return;
    ::kill(static_cast<pid_t>(slot->pid), SIGKILL);
    for (int i = 0; i < 10'000 && slot->state == SlotState::Live; ++i) {
        ::usleep(5'000);
        reap_children(state);
    }
}

struct Scene {
    PaperSpawner s{image()};
    std::uint32_t serial = 0;

    explicit Scene(int which) {
        if (which >= Empty_) REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, kSlot}) == nullptr);
        if (which >= Live) {
            REQUIRE(s.ask(Msg::SPAWN, 0, SpawnBody{kSlot}) == nullptr);
            serial = s.state->table.find(kSlot)->serial;
        }
        if (which == Exited) end_child(*s.state);
        if (which <= NotReady) s.state->engine.ready = false;
        if (which == Untold) {
            for (Part* part : {&s.state->engine, &s.state->log}) part->told = part->may_speak = false;
        }
    }
    ~Scene() {
        end_child(*s.state);
        // A re-read that RELOAD began.
        if (s.state->reread.pid != 0) ::kill(s.state->reread.pid, SIGKILL);
        for (int i = 0; i < 10'000 && s.state->reread.pid != 0; ++i) {
            ::usleep(5'000);
            reap_children(*s.state);
        }
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    // A message of that type with the fields that suit this scene.
    const char* say(Msg type, const char* (*handler)(State&, const Message&)) {
        std::byte bytes[256]{};
        auto fill = [&bytes](const auto& body) { std::memcpy(bytes, &body, sizeof body); };
        switch (type) {
            case Msg::ACTIVATE:
            case Msg::DEACTIVATE: fill(GroupBody{1, 0, kSlot}); break;
            case Msg::KILL: fill(KillBody{kSlot, 0, 0}); break;
            case Msg::FINISH: break;
            case Msg::OPEN: fill(OpenBody{stream_of(kSlot, false), FileOp::Reopen}); break;
            default: fill(kSlot); break;  // the slot comes first in all the others
            case Msg::STOPPING: fill(StoppingBody{FinishMode::Exit}); break;
        }
        const MessageRow* row = find_message(static_cast<std::uint16_t>(type));
        Message message;
        message.type = type;
        message.serial = serial;
        message.body = {bytes, row->body_size};
        return handler(*s.state, message);
    }
};

void check_all(std::span<const Rule> rules, const char* (*handler)(State&, const Message&)) {
    for (Msg type : kAllTypes) {
        const char* verdicts = verdicts_of(rules, type);
        for (int which = 0; which < kStates; ++which) {
            CAPTURE(std::string_view(message_name(static_cast<std::uint16_t>(type))));
            CAPTURE(std::string_view(kStateNames[which]));
            Scene scene(which);
            Slot* slot = scene.s.state->table.find(kSlot);
            SlotState before = slot != nullptr ? slot->state : SlotState::Empty;
            const char* answer = scene.say(type, handler);
            CHECK((answer == nullptr) == (verdicts[which] == 'a'));
            if (answer == nullptr) continue;
            slot = scene.s.state->table.find(kSlot);
            CHECK((slot != nullptr ? slot->state : SlotState::Empty) == before);
            CHECK(!scene.s.state->finishing);
            CHECK(scene.s.state->stopping == 0);
            CHECK(!scene.s.state->reread.wanted);
        }
    }
}

}  // namespace

TEST_CASE("each message on the engine's edge, in each state") { check_all(kEngineRules, on_engine_message); }

TEST_CASE("each message on the log writer's edge, in each state") { check_all(kLogRules, on_log_message); }

TEST_CASE("every message to the spawner has a rule") {
    for (Msg type : kAllTypes) {
        const MessageRow* row = find_message(static_cast<std::uint16_t>(type));
        CAPTURE(row->name);
        bool engines = std::string_view(verdicts_of(kEngineRules, type)) != "xxxxxx";
        bool logs = std::string_view(verdicts_of(kLogRules, type)) != "xxxxxx";
        CHECK(engines == (row->edge == Edge::ES));
        CHECK(logs == (row->edge == Edge::LS));
    }
}

TEST_CASE("each number of a request at 0, at its limit and beyond") {
    struct Case {
        Msg type;
        std::size_t field;  // which u32 of the body
        std::uint32_t value;
        bool accepted;
    };
    // In a scene with a live child in slot 3, of which nothing else is wrong.
    constexpr Case kCases[] = {
        {Msg::KILL, 0, 0, false},
        {Msg::KILL, 0, kMaxSlots, false},
        {Msg::KILL, 0, 0xFFFFFFFF, false},
        {Msg::KILL, 1, 0, true},
        {Msg::KILL, 1, 65, false},
        {Msg::KILL, 1, 0x80000000, false},
        {Msg::KILL, 1, 0xFFFFFFFF, false},
        {Msg::KILL, 2, 3, true},
        {Msg::KILL, 2, 4, false},
        {Msg::KILL, 2, 0xFFFFFFFF, false},
        {Msg::CHECK, 0, kMaxSlots - 1, false},
        {Msg::CHECK, 0, kMaxSlots, false},
        {Msg::CHECK, 0, 0xFFFFFFFF, false},
        {Msg::NOTE, 0, 2, false},
        {Msg::NOTE, 0, 0xFFFFFFFF, false},
        {Msg::STOPPING, 0, 0, true},
        {Msg::STOPPING, 0, 1, true},
        {Msg::STOPPING, 0, 2, false},
        {Msg::STOPPING, 0, 0xFFFFFFFF, false},
        {Msg::ACTIVATE, 0, 0, false},
        {Msg::ACTIVATE, 0, 2, false},
        {Msg::ACTIVATE, 1, 1, false},
        {Msg::ACTIVATE, 1, 0xFFFFFFFF, false},
        {Msg::ACTIVATE, 2, kMaxSlots, false},
        {Msg::OPEN, 0, 0, true},
        {Msg::OPEN, 0, 2 * kMaxSlots - 1, true},
        {Msg::OPEN, 0, 2 * kMaxSlots, false},
        {Msg::OPEN, 0, kConsoleStream, false},
        {Msg::OPEN, 0, 0xFFFFFFFF, false},
        {Msg::OPEN, 1, 3, true},
        {Msg::OPEN, 1, 4, false},
        {Msg::OPEN, 1, 0xFFFFFFFF, false},
        {Msg::S_DRAINED, 0, kMaxSlots - 1, true},
        {Msg::S_DRAINED, 0, kMaxSlots, false},
        {Msg::S_DRAINED, 0, 0xFFFFFFFF, false},
    };
    Scene scene(Live);
    for (const Case& one : kCases) {
        CAPTURE(std::string_view(message_name(static_cast<std::uint16_t>(one.type))));
        CAPTURE(one.field);
        CAPTURE(one.value);
        std::byte bytes[128]{};
        std::uint32_t fields[3] = {kSlot, 0, 0};
        if (one.type == Msg::ACTIVATE) fields[0] = 1, fields[1] = 0, fields[2] = 9;
        if (one.type == Msg::OPEN) fields[0] = stream_of(kSlot, false);
        fields[one.field] = one.value;
        std::memcpy(bytes, fields, sizeof fields);
        const MessageRow* row = find_message(static_cast<std::uint16_t>(one.type));
        Message message;
        message.type = one.type;
        message.serial = scene.serial;
        message.body = {bytes, row->body_size};
        auto handler = row->edge == Edge::LS ? on_log_message : on_engine_message;
        CHECK((handler(*scene.s.state, message) == nullptr) == one.accepted);
    }
}

TEST_CASE("a TERM that was told to an engine which dies of something else is known to the next one") {
    Scene scene(Live);
    State& state = *scene.s.state;
    state.life.signals = 1U << SIGHUP;
    tell_all(state);
    CHECK(state.stopping == 0);
    state.life.signals = 1U << SIGTERM;
    tell_all(state);
    CHECK(state.life.signals == 0);
    CHECK(state.stopping == kHelloStopping);
}

TEST_CASE("a stream whose pipe is gone is not told to a log writer that comes late") {
    Scene scene(Live);
    State& state = *scene.s.state;
    Slot& slot = *state.table.find(kSlot);
    while (scene.s.next(scene.s.log).message.type != Msg{}) {
    }
    slot.stream_untold = {true, true};
    state.table.streams_untold = true;
    slot.out = {};
    tell_all(state);
    CHECK(scene.s.next(scene.s.log).message.type == Msg{});
    CHECK(state.log.channel.open());
    CHECK(!slot.stream_untold[0]);
}

TEST_CASE("an engine that does not take TERM for 10 s is killed, and the programs are stopped without it") {
    Scene scene(Live);
    State& state = *scene.s.state;
    std::uint64_t next = UINT64_MAX;
    state.engine.blocked = true;
    state.life.signals = 1U << SIGTERM;
    look_after_stop(state, 1000, next);
    CHECK(next == 11'000);
    SUBCASE("it never does") {
        look_after_stop(state, 11'000, next);
        CHECK(state.stopping_alone);
        CHECK(!state.engine.channel.open());
    }
    SUBCASE("it takes it late, and then has all the time that it wants") {
        state.engine.blocked = false;
        tell_all(state);
        look_after_stop(state, 11'000, next);
        look_after_stop(state, 1'000'000, next);
        CHECK(!state.stopping_alone);
        CHECK(state.engine.channel.open());
    }
}

TEST_CASE("a group is active once, whatever generation it is of") {
    Scene scene(Empty_);
    Table& table = scene.s.state->table;
    REQUIRE(table.add_generation(image().image(), PaperImage::view()) == nullptr);
    CHECK(scene.s.ask(Msg::ACTIVATE, 0, GroupBody{2, 0, 20}) != nullptr);
    CHECK(scene.s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 0, kSlot}) == nullptr);
    CHECK(scene.s.ask(Msg::ACTIVATE, 0, GroupBody{2, 0, 20}) == nullptr);
    CHECK(table.active_slots() == 1);
}

TEST_CASE("what a part had said before it died counts") {
    Scene scene(Exited);
    State& state = *scene.s.state;
    // As much as the edge holds; of that the spawner has read a little.
    while (scene.s.engine.send(Msg::NOTE, 0, NoteBody{kSlot, {7}}) == Send::Sent) {
    }
    read_part(state, state.engine);
    // Nobody hears the answer; what comes after it is read all the same.
    REQUIRE(scene.s.engine.send(Msg::CHECK, 1, CheckBody{kSlot}) == Send::Sent);
    REQUIRE(scene.s.engine.send(Msg::ACK_EXIT, scene.serial, AckExitBody{kSlot}) == Send::Sent);
    scene.s.engine.close();
    SUBCASE("") {}
    SUBCASE("also if it had started as much as it may") { state.spawn_debt = 1'000'000'000; }
    state.engine.held.full = true;
    on_part_death(state, state.engine, SIGKILL);
    CHECK(!state.engine.channel.open());
    CHECK(state.table.find(kSlot)->state == SlotState::Empty);
    CHECK(state.table.find(kSlot)->note[0] == 7);
}

TEST_CASE("nothing that comes from the front is taken for a request, whatever it says") {
    for (Edge edge : {Edge::ES, Edge::SR, Edge::RE}) {
        Scene scene(Empty_);
        State& state = *scene.s.state;
        UniqueFd ours, theirs;
        REQUIRE(make_channel_pair(ours, theirs));
        state.rpc.channel = Channel(std::move(ours), state.rpc.kind.out, state.rpc.kind.in);
        Channel front(std::move(theirs), edge, Edge::SR);
        Send sent = edge == Edge::ES   ? front.send(Msg::FINISH, 0, FinishBody{})
                    : edge == Edge::SR ? front.send(Msg::START, 0, StartBody{})
                                       : front.send(Msg::PULL, 0, Empty{});
        REQUIRE(sent == Send::Sent);
        read_part(state, state.rpc);
        CHECK(!state.finishing);
        CHECK(!state.rpc.channel.open());
        CHECK(state.rpc.killed_for != nullptr);
    }
}
