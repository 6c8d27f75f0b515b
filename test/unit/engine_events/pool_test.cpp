// Buffering, dispatch, answers, deaths, and the change of engines.
#include <doctest/doctest.h>

#include <map>

#include "daemon/engine/listener_pool.hpp"
#include "test/unit/engine_events/fakes.hpp"

using namespace reeve;

namespace {

using Lines = std::vector<std::string>;

struct FakeHost : PoolHost {
    struct One {
        bool running = true;
        bool pending = false;
        SendResult result = SendResult::Sent;
        Lines sent;
        ListenerNote note{};
        int notes = 0;
    };
    std::vector<One> members;
    explicit FakeHost(std::size_t count) : members(count) {}

    bool member_running(std::uint32_t member) const override { return members[member].running; }
    SendResult send_event(std::uint32_t member, std::string_view bytes) override {
        if (members[member].result == SendResult::Sent) members[member].sent.emplace_back(bytes);
        return members[member].result;
    }
    bool stdin_pending(std::uint32_t member) const override { return members[member].pending; }
    void save_note(std::uint32_t member, const ListenerNote& note) override {
        members[member].note = note;
        ++members[member].notes;
    }
};

struct Fixture {
    FakeLoop loop;
    FakeLog log;
    EventBus bus{loop};
    FakeHost host;
    ListenerPool pool;

    explicit Fixture(std::size_t members = 1, std::size_t buffer_size = 10)
        : host(members), pool(bus, loop, log, host, config(members, buffer_size)) {}

    static PoolConfig config(std::size_t members, std::size_t buffer_size) {
        PoolConfig out{"p",
                       "sup",
                       event_bit(EventType::RemoteCommunication) | event_bit(EventType::Tick60),
                       buffer_size,
                       {}};
        for (std::size_t i = 0; i < members; ++i) out.members.push_back("l" + std::to_string(i));
        return out;
    }
    void emit(std::string payload) { bus.emit(EventType::RemoteCommunication, std::move(payload)); }
    Lines& sent(std::uint32_t member = 0) { return host.members[member].sent; }
    // The log without what is said at DEBG.
    Lines loud() {
        Lines out = log.take();
        std::erase_if(out, [](const std::string& line) { return line.rfind("DEBG", 0) == 0; });
        return out;
    }
};

std::string envelope(int serial, int pool_serial, const std::string& payload) {
    return "ver:3.0 server:sup serial:" + std::to_string(serial) +
           " pool:p poolserial:" + std::to_string(pool_serial) +
           " eventname:REMOTE_COMMUNICATION len:" + std::to_string(payload.size()) + "\n" + payload;
}

constexpr const char* kUnknown =
    "WARN l0: has entered the UNKNOWN state and will no longer receive events, this usually indicates the "
    "process "
    "violated the eventlistener protocol";

}  // namespace

TEST_CASE("a listener gets the event as documented") {
    Fixture f;
    f.emit("a");
    CHECK(f.pool.buffered() == 1);
    f.log.take();
    f.pool.on_output(0, "READY\n");
    CHECK(f.sent() == Lines{envelope(0, 0, "a")});
    CHECK(f.log.take() == Lines{"DEBG 'l0' stdout output:\nb'READY\\n'", "DEBG l0: ACKNOWLEDGED -> READY",
                                "DEBG l0: READY -> BUSY", "DEBG event 0 sent to listener l0"});
    f.pool.on_output(0, "RESULT 2\nOKREADY\n");
    CHECK(f.log.take() == Lines{"DEBG 'l0' stdout output:\nb'RESULT 2\\nOKREADY\\n'",
                                "DEBG l0: event was processed", "DEBG l0: BUSY -> ACKNOWLEDGED",
                                "DEBG l0: ACKNOWLEDGED -> READY"});
    f.emit("b");
    CHECK(f.sent().back() == envelope(1, 1, "b"));
}

TEST_CASE("len counts characters") {
    Fixture f;
    f.pool.on_output(0, "READY\n");
    f.emit("\xc3\xa9t\xc3\xa9");
    CHECK(f.sent().back().find(" len:3\n\xc3\xa9t\xc3\xa9") != std::string::npos);
}

TEST_CASE("nothing is sent to a process that is not RUNNING") {
    Fixture f;
    f.host.members[0].running = false;
    f.pool.on_output(0, "READY\n");
    f.emit("a");
    CHECK(f.sent().empty());
    f.host.members[0].running = true;
    f.pool.on_running(0);
    CHECK(f.sent().size() == 1);
}

TEST_CASE("members are served in listing order, and the rest is rebuffered") {
    Fixture f(3);
    for (std::string name : {"a", "b", "c", "d"}) f.emit(name);
    f.pool.on_output(2, "READY\n");
    f.log.take();
    f.pool.on_output(1, "READY\n");
    CHECK(f.sent(2) == Lines{envelope(0, 0, "a")});
    CHECK(f.sent(1) == Lines{envelope(1, 1, "b")});
    CHECK(f.log.take().back() == "DEBG rebuffering event 2 for pool p (buf size=1, max=10)");
    f.pool.on_output(0, "READY\n");
    CHECK(f.sent(0) == Lines{envelope(2, 2, "c")});
    f.pool.on_output(2, "RESULT 2\nOKREADY\n");
    CHECK(f.sent(2).back() == envelope(3, 3, "d"));
    f.pool.on_output(2, "RESULT 2\nOKREADY\n");
    f.pool.on_output(0, "RESULT 2\nOKREADY\n");
    f.emit("e");
    CHECK(f.sent(0).back() == envelope(4, 4, "e"));
}

TEST_CASE("overlapping subscriptions deliver the same serials twice") {
    FakeLoop loop;
    FakeLog log;
    EventBus bus(loop);
    FakeHost host(1);
    PoolConfig config = Fixture::config(1, 10);
    config.subscriptions |= event_bit(EventType::Event);
    ListenerPool pool(bus, loop, log, host, config);
    bus.emit(EventType::RemoteCommunication, "a");
    bus.emit(EventType::RemoteCommunication, "b");
    CHECK(pool.buffered() == 4);
    for (int i = 0; i < 4; ++i) pool.on_output(0, i == 0 ? "READY\n" : "RESULT 2\nOKREADY\n");
    CHECK(host.members[0].sent ==
          Lines{envelope(0, 0, "a"), envelope(0, 0, "a"), envelope(1, 1, "b"), envelope(1, 1, "b")});
}

TEST_CASE("a full buffer drops its oldest event") {
    Fixture f(1, 2);
    for (std::string name : {"a", "b", "c"}) f.emit(name);
    CHECK(f.loud() == Lines{"ERRO pool p event buffer overflowed, discarding event 0"});
    CHECK(f.pool.dropped() == 1);
    CHECK(f.pool.buffered() == 2);
}

TEST_CASE("long events fill the buffer, too") {
    Fixture f(1, 10);
    const std::string third(ListenerPool::kMaxBuffered / 3, 'x');
    for (int i = 0; i < 3; ++i) f.emit(third);
    CHECK(f.loud().empty());
    f.emit("four");
    CHECK(f.loud() == Lines{"ERRO pool p event buffer overflowed, discarding event 0"});
    CHECK(f.pool.buffered() == 3);
    f.emit(std::string(ListenerPool::kMaxBuffered + 1, 'x'));  // alone it is kept
    CHECK(f.pool.buffered() == 1);
    CHECK(f.pool.dropped() == 4);
    f.pool.on_output(0, "READY\n");
    CHECK(f.sent().size() == 1);
    for (int i = 0; i < 3; ++i) f.emit(third);
    CHECK(f.pool.dropped() == 4);
    CHECK(f.pool.buffered() == 3);
}

TEST_CASE("a rejected event goes back to the head, and a full buffer makes room") {
    Fixture f(1, 2);
    f.pool.on_output(0, "READY\n");
    for (std::string name : {"a", "b", "c", "d"}) f.emit(name);
    CHECK(f.loud() == Lines{"ERRO pool p event buffer overflowed, discarding event 1"});
    f.pool.on_output(0, "RESULT 4\nFAIL");
    CHECK(f.loud() ==
          Lines{"WARN l0: event was rejected", "ERRO pool p event buffer overflowed, discarding event 2"});
    f.pool.on_output(0, "READY\n");
    f.pool.on_output(0, "RESULT 2\nOKREADY\n");
    CHECK(f.sent() == Lines{envelope(0, 0, "a"), envelope(0, 0, "a"), envelope(3, 3, "d")});
}

TEST_CASE("a bad result line rejects the event and leaves the listener UNKNOWN") {
    Fixture f;
    f.pool.on_output(0, "READY\n");
    f.emit("a");
    SUBCASE("text") {
        f.pool.on_output(0, "hello world\n");
        CHECK(f.loud() == Lines{"WARN l0: bad result line: 'hello world'", kUnknown});
    }
    SUBCASE("bytes") {
        f.pool.on_output(0, "hell\xff\n");
        CHECK(f.loud() == Lines{"WARN l0: bad result line: 'Undecodable: b'hell\\xff''", kUnknown});
    }
    CHECK(f.pool.state(0) == ListenerState::Unknown);
    CHECK(f.pool.buffered() == 1);
    f.pool.on_output(0, "READY\n");
    CHECK(f.sent().size() == 1);
    f.pool.on_exited(0);
    f.pool.on_spawned(0);
    f.pool.on_output(0, "READY\n");
    CHECK(f.sent().back() == envelope(0, 0, "a"));
}

TEST_CASE("a listener that dies with an event gives it back") {
    Fixture f(2);
    f.pool.on_output(0, "READY\n");
    f.emit("a");
    f.emit("b");
    f.log.take();
    f.pool.on_exited(0);
    CHECK(f.log.take() == Lines{"DEBG rebuffering event 0 for pool p (buf size=1, max=10)"});
    f.pool.on_output(1, "READY\n");
    CHECK(f.sent(1) == Lines{envelope(0, 0, "a")});
    f.pool.on_exited(0);
    CHECK(f.pool.buffered() == 1);
}

TEST_CASE("one pool never hears of another's rejection") {
    Fixture f;
    FakeHost other_host(1);
    PoolConfig config = Fixture::config(1, 10);
    config.name = "q";
    config.subscriptions = event_bit(EventType::Tick3600);
    ListenerPool other(f.bus, f.loop, f.log, other_host, config);
    f.pool.on_output(0, "READY\n");
    other.on_output(0, "READY\n");
    f.emit("a");
    f.pool.on_output(0, "RESULT 4\nFAIL");
    CHECK(f.pool.buffered() == 1);
    CHECK(other.buffered() == 0);
    CHECK(other_host.members[0].sent.empty());
}

TEST_CASE("a closed or full stdin makes the next member the one") {
    Fixture f(3);
    f.host.members[0].result = SendResult::Closed;
    f.host.members[1].result = SendResult::Busy;
    for (std::uint32_t i = 0; i < 3; ++i) f.pool.on_output(i, "READY\n");
    f.log.take();
    f.emit("a");
    CHECK(f.log.take() ==
          Lines{"DEBG epipe occurred while sending event 0 to listener l0, listener state unchanged",
                "DEBG l2: READY -> BUSY", "DEBG event 0 sent to listener l2"});
    f.emit("b");
    CHECK(f.pool.buffered() == 1);
    f.host.members[1].result = SendResult::Sent;
    f.pool.on_stdin_drained(1);
    CHECK(f.sent(1) == Lines{envelope(1, 1, "b")});
}

TEST_CASE("notes let another engine go on") {
    Fixture old_engine;
    ListenerNote& note = old_engine.host.members[0].note;
    old_engine.pool.on_spawned(0);
    old_engine.pool.on_output(0, "READY\n");
    old_engine.emit("a");
    CHECK(note.state == static_cast<std::uint8_t>(ListenerState::Busy));

    Fixture f;
    SUBCASE("BUSY: the answer comes") {
        f.pool.on_resumed(0, note);
        f.emit("b");
        CHECK(f.sent().empty());
        f.pool.on_output(0, "RESULT 2\nOKREADY\n");
        CHECK(f.sent() == Lines{envelope(1, 1, "b")});
        f.pool.on_output(0, "RESULT 4\nFAILREADY\n");
        CHECK(f.sent() == Lines{envelope(1, 1, "b"), envelope(1, 1, "b")});
        CHECK(f.loud() == Lines{"WARN l0: event was rejected"});
    }
    SUBCASE("BUSY: a rejected event of the old engine is gone, and counted") {
        f.pool.on_resumed(0, note);
        f.pool.on_output(0, "RESULT 4\nFAILREADY\n");
        CHECK(f.pool.buffered() == 0);
        CHECK(f.loud() == Lines{"WARN l0: event was rejected",
                                "WARN l0: an event of the former engine was given back, and is lost"});
        CHECK(f.pool.dropped() == 1);
    }
    SUBCASE("BUSY: so it is if the listener ends") {
        f.pool.on_resumed(0, note);
        f.pool.on_exited(0);
        CHECK(f.loud() == Lines{"WARN l0: an event of the former engine was given back, and is lost"});
    }
    SUBCASE("what was buffered is counted once") {
        for (const char* payload : {"b", "c", "d"}) old_engine.emit(payload);
        CHECK(note.buffered == 3);
        f.pool.on_resumed(0, note);
        CHECK(f.loud() == Lines{"WARN pool p: 3 buffered events were lost with the former engine"});
        CHECK(f.pool.dropped() == 3);
        CHECK(f.host.members[0].note.buffered == 0);
        f.emit("e");
        CHECK(f.host.members[0].note.buffered == 1);
        f.pool.on_output(0, "RESULT 2\nOKREADY\n");
        CHECK(f.sent() == Lines{envelope(4, 4, "e")});
        CHECK(f.host.members[0].note.buffered == 0);
    }
    SUBCASE("what was buffered while no process was there is counted, too") {
        old_engine.pool.on_exited(0);
        old_engine.emit("b");
        CHECK(note.buffered == 2);
        f.pool.on_note(0, note);
        CHECK(f.loud() == Lines{"WARN pool p: 2 buffered events were lost with the former engine"});
        CHECK(f.host.members[0].note.buffered == 0);
    }
    SUBCASE("BUSY: the answer went to the old engine") {
        f.pool.on_resumed(0, note);
        f.emit("b");
        f.loop.advance(ListenerPool::kResumeWait - 1);
        CHECK(f.sent().empty());
        f.loop.advance(1);
        CHECK(f.sent() == Lines{envelope(1, 1, "b")});
        f.pool.on_output(0, "RESULT 2\nOKREADY\n");
        CHECK(f.loud() == Lines{"WARN l0: an event of the former engine was not answered, and is lost"});
    }
    SUBCASE("BUSY: half of what it said went to the old engine") {
        f.pool.on_resumed(0, note);
        f.emit("b");
        f.pool.on_output(0, "READY\n");
        CHECK(f.sent() == Lines{envelope(1, 1, "b")});
        f.loop.advance(ListenerPool::kResumeWait);
        f.pool.on_output(0, "RESULT 2\nOKREADY\n");
        CHECK(f.loud().empty());
    }
    SUBCASE("READY: it gets the next event, and a late READY or RESULT is understood") {
        old_engine.pool.on_output(0, "RESULT 2\nOKREADY\n");
        f.pool.on_resumed(0, note);
        CHECK(f.pool.state(0) == ListenerState::Ready);
        f.pool.on_output(0, "READY\n");
        f.pool.on_output(0, "RESULT 2\nOKREADY\n");
        f.emit("b");
        f.pool.on_output(0, "READY\nRESULT 2\nOKREADY\n");
        CHECK(f.sent() == Lines{envelope(1, 1, "b")});
        CHECK(f.loud().empty());
    }
    SUBCASE("nothing known: as READY") {
        f.pool.on_resumed(0, ListenerNote{});
        f.emit("b");
        CHECK(f.sent() == Lines{envelope(0, 0, "b")});
    }
    SUBCASE("UNKNOWN stays UNKNOWN, and is not said again") {
        old_engine.pool.on_output(0, "hello world\n");
        f.pool.on_resumed(0, note);
        f.pool.on_output(0, "READY\n");
        f.emit("b");
        CHECK(f.sent().empty());
        CHECK(f.loud() == Lines{"WARN pool p: 1 buffered events were lost with the former engine"});
    }
    SUBCASE("in the middle of an event: UNKNOWN") {
        old_engine.pool.on_output(0, "RESULT 2\nOKREADY\n");
        old_engine.host.members[0].pending = true;
        old_engine.emit("long");
        CHECK(note.flags == ListenerNote::kHalfSent);
        f.pool.on_resumed(0, note);
        CHECK(f.loud() ==
              Lines{"WARN l0: an event of the former engine was sent in part only, and is lost", kUnknown});
    }
    SUBCASE("the event has gone after all") {
        old_engine.pool.on_output(0, "RESULT 2\nOKREADY\n");
        old_engine.host.members[0].pending = true;
        old_engine.emit("long");
        old_engine.pool.on_stdin_drained(0);
        CHECK(note.flags == 0);
    }
    SUBCASE("half an answer") {
        old_engine.pool.on_output(0, "RESULT 2\nO");
        f.pool.on_resumed(0, note);
        f.pool.on_output(0, "KREADY\n");
        CHECK(f.loud().empty());
        CHECK(f.pool.state(0) == ListenerState::Ready);
    }
}

TEST_CASE("the note of the first member tells of a pool's buffer, whoever takes an event") {
    Fixture f(2);
    f.pool.on_output(1, "READY\n");
    for (const char* payload : {"a", "b", "c"}) f.emit(payload);
    CHECK(f.host.members[0].note.buffered == 2);
    f.pool.on_output(1, "RESULT 2\nOKREADY\n");
    CHECK(f.host.members[0].note.buffered == 1);
    CHECK(f.host.members[1].note.buffered == 0);
    f.pool.on_exited(0);
    f.pool.on_output(1, "RESULT 2\nOKREADY\n");
    CHECK(f.host.members[0].note.buffered == 0);
}

TEST_CASE("under load a listener costs one note an event") {
    Fixture f(1, 100);
    f.pool.on_output(0, "READY\n");
    for (int i = 0; i < 21; ++i) f.emit("x");
    int before = f.host.members[0].notes;
    for (int i = 0; i < 20; ++i) f.pool.on_output(0, "RESULT 2\nOKREADY\n");
    CHECK(f.sent().size() == 21);
    CHECK(f.host.members[0].notes - before <= 20);
}
