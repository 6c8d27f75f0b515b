// Payload texts, who gets which event, serials, ticks.
#include "daemon/engine/events.hpp"

#include <doctest/doctest.h>

#include "test/unit/engine_events/fakes.hpp"

using namespace reeve;

namespace {

using Lines = std::vector<std::string>;

struct Sink : EventSink {
    std::vector<EventRef> events;
    void accept(const EventRef& event) override { events.push_back(event); }
    Lines seen() const {
        Lines out;
        for (const EventRef& one : events) {
            out.push_back(std::to_string(one->serial) + " " + std::string(event_type_name(one->type)) + " " +
                          one->payload);
        }
        return out;
    }
};

constexpr ProcessName kA{"a", "g"};

}  // namespace

TEST_CASE("event types have names and a tree") {
    CHECK(event_type_name(EventType::ProcessStateRunning) == "PROCESS_STATE_RUNNING");
    CHECK(event_type_name(EventType::Count).empty());
    CHECK(parse_event_type("tick_60") == EventType::Tick60);
    CHECK(parse_event_type("Event") == EventType::Event);
    CHECK_FALSE(parse_event_type("TICK_").has_value());
    CHECK_FALSE(parse_event_type("").has_value());
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(EventType::Count); ++i) {
        EventType type = static_cast<EventType>(i);
        CHECK(parse_event_type(event_type_name(type)) == type);
        std::string parent(event_type_name(event_type_parent(type)));
        if (parent != "EVENT") CHECK(std::string(event_type_name(type)).rfind(parent + "_", 0) == 0);
    }
    std::uint64_t all = event_bit(EventType::Event) | event_bit(EventType::ProcessState) |
                        event_bit(EventType::ProcessStateRunning);
    CHECK(match_count(all, EventType::ProcessStateRunning) == 3);
    CHECK(match_count(all, EventType::ProcessStateExited) == 2);
    CHECK(match_count(all, EventType::Tick5) == 1);
    CHECK(match_count(event_bit(EventType::Tick), EventType::ProcessLogStdout) == 0);
}

TEST_CASE("payload texts") {
    StateDetails details{.tries = 2, .pid = 77, .expected = true};
    CHECK(state_payload(EventType::ProcessStateStarting, kA, "STOPPED", details) ==
          "processname:a groupname:g from_state:STOPPED tries:2");
    CHECK(state_payload(EventType::ProcessStateBackoff, kA, "STARTING", details) ==
          "processname:a groupname:g from_state:STARTING tries:2");
    CHECK(state_payload(EventType::ProcessStateRunning, kA, "STARTING", details) ==
          "processname:a groupname:g from_state:STARTING pid:77");
    CHECK(state_payload(EventType::ProcessStateStopping, kA, "RUNNING", details) ==
          "processname:a groupname:g from_state:RUNNING pid:77");
    CHECK(state_payload(EventType::ProcessStateStopped, kA, "BACKOFF", {}) ==
          "processname:a groupname:g from_state:BACKOFF pid:0");
    CHECK(state_payload(EventType::ProcessStateExited, kA, "RUNNING", details) ==
          "processname:a groupname:g from_state:RUNNING expected:1 pid:77");
    CHECK(state_payload(EventType::ProcessStateFatal, kA, "BACKOFF", details) ==
          "processname:a groupname:g from_state:BACKOFF");
    CHECK(state_payload(EventType::ProcessStateUnknown, kA, "STOPPING", details) ==
          "processname:a groupname:g from_state:STOPPING");
    CHECK(log_payload(kA, 5, false, "x\n") == "processname:a groupname:g pid:5 channel:stdout\nx\n");
    CHECK(log_payload(kA, 5, true, "") == "processname:a groupname:g pid:5 channel:stderr\n");
    CHECK(log_payload(kA, 5, true, "ab\xff\xfe'q\"\n\x1b") ==
          "processname:a groupname:g pid:5 channel:stderr\nUndecodable: b'ab\\xff\\xfe\\'q\"\\n\\x1b'");
    CHECK(communication_payload(kA, 5, "inside") == "processname:a groupname:g pid:5\ninside");
    CHECK(communication_payload(kA, 5, "\xc3") == "processname:a groupname:g pid:5\nUndecodable: b'\\xc3'");
    CHECK(remote_payload("t0", "d\nd") == "type:t0\nd\nd");
    CHECK(group_payload("rec") == "groupname:rec\n");
    CHECK(tick_payload(1795218655) == "when:1795218655");
}

TEST_CASE("an event goes to those who want it, once for each match, and only then has a serial") {
    FakeLoop loop;
    EventBus bus(loop);
    Sink one, two;
    CHECK_FALSE(bus.wanted(EventType::Tick5));
    bus.emit(EventType::RemoteCommunication, "nobody");
    CHECK(bus.next_serial() == 0);
    bus.subscribe(one, event_bit(EventType::Event) | event_bit(EventType::RemoteCommunication));
    bus.subscribe(two, event_bit(EventType::ProcessGroup));
    bus.emit(EventType::RemoteCommunication, "r");
    bus.emit(EventType::ProcessGroupAdded, "g");
    CHECK(one.seen() ==
          Lines{"0 REMOTE_COMMUNICATION r", "0 REMOTE_COMMUNICATION r", "1 PROCESS_GROUP_ADDED g"});
    CHECK(two.seen() == Lines{"1 PROCESS_GROUP_ADDED g"});
    bus.unsubscribe(one);
    CHECK_FALSE(bus.wanted(EventType::RemoteCommunication));
    CHECK(bus.wanted(EventType::ProcessGroupRemoved));
    bus.continue_from(40);
    bus.continue_from(7);
    bus.emit(EventType::ProcessGroupRemoved, "h");
    CHECK(two.seen().back() == "40 PROCESS_GROUP_REMOVED h");
    CHECK(bus.next_serial() == 41);
}

TEST_CASE("ticks exist only while they are wanted") {
    FakeLoop loop;
    EventBus bus(loop);
    Sink sink;
    bus.subscribe(sink, event_bit(EventType::ProcessState));
    CHECK(loop.idle());
    Sink ticks;
    bus.subscribe(ticks, event_bit(EventType::Tick5));
    CHECK_FALSE(loop.idle());
    loop.advance(12'000'000);  // from x3.2 to x5.2: boundaries at 55, 60, 65
    CHECK(ticks.seen() ==
          Lines{"0 TICK_5 when:1795218655", "1 TICK_5 when:1795218660", "2 TICK_5 when:1795218665"});
    CHECK(loop.fired == 3);
    bus.unsubscribe(ticks);
    CHECK(loop.idle());
    CHECK(sink.events.empty());
}

TEST_CASE("ticks of all periods at one boundary come in order, missed ones are not made up") {
    FakeLoop loop;
    EventBus bus(loop);
    Sink sink;
    loop.wall = 1'795'219'199'500'000;  // half a second before a full hour
    bus.subscribe(sink, event_bit(EventType::Tick));
    loop.advance(1'000'000);
    CHECK(sink.seen() ==
          Lines{"0 TICK_5 when:1795219200", "1 TICK_60 when:1795219200", "2 TICK_3600 when:1795219200"});
    sink.events.clear();
    loop.wall += 3600'000'000;  // somebody sets the clock
    loop.advance(5'000'000);
    CHECK(sink.seen() ==
          Lines{"3 TICK_5 when:1795222805", "4 TICK_60 when:1795222800", "5 TICK_3600 when:1795222800"});
    sink.events.clear();
    loop.wall -= 3600'000'000;  // and back: a changed slice is a changed slice
    loop.advance(5'000'000);
    CHECK(sink.seen() ==
          Lines{"6 TICK_5 when:1795219210", "7 TICK_60 when:1795219200", "8 TICK_3600 when:1795219200"});
}

TEST_CASE("an hour's tick looks at the clock once a minute, and joins late without a stale tick") {
    FakeLoop loop;
    EventBus bus(loop);
    Sink hours, fives;
    bus.subscribe(hours, event_bit(EventType::Tick3600));
    loop.advance(240'000'000);
    CHECK(loop.fired == 4);
    CHECK(hours.events.empty());
    bus.subscribe(fives, event_bit(EventType::Tick5));
    CHECK(fives.events.empty());
    loop.advance(5'000'000);
    CHECK(fives.events.size() == 1);
}
