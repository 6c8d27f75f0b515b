// What a listener may say, cut in every way.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "daemon/engine/listener_protocol.hpp"

using namespace reeve;

namespace {

const char* step_name(ListenerStep step) {
    switch (step) {
        case ListenerStep::NeedMore: return "more";
        case ListenerStep::Ready: return "ready";
        case ListenerStep::Accepted: return "ok";
        case ListenerStep::Rejected: return "rejected";
        case ListenerStep::BadLine: return "badline";
        case ListenerStep::Violation: return "violation";
    }
    return "?";
}

// Feeds one read; an event is sent after it whenever the listener is READY, as a pool with events does.
void feed(ListenerProtocol& protocol, std::string_view bytes, std::string& trace) {
    while (!bytes.empty()) {
        ListenerStep step = protocol.next(bytes);
        if (step == ListenerStep::NeedMore) continue;
        trace += std::string(trace.empty() ? "" : " ") + step_name(step);
    }
    if (protocol.state() == ListenerState::Ready) protocol.event_sent();
}

std::string run(const std::vector<std::string_view>& reads) {
    ListenerProtocol protocol;
    std::string trace;
    for (std::string_view read : reads) feed(protocol, read, trace);
    return trace + " " + std::string(listener_state_name(protocol.state()));
}

std::string busy(std::string_view answer) {
    ListenerProtocol protocol;
    std::string trace;
    feed(protocol, "READY\n", trace);
    trace.clear();
    feed(protocol, answer, trace);
    return trace + " " + std::string(listener_state_name(protocol.state()));
}

}  // namespace

TEST_CASE("ACKNOWLEDGED waits for READY and for nothing else") {
    CHECK(run({"READ"}) == " ACKNOWLEDGED");
    CHECK(run({"READY"}) == " ACKNOWLEDGED");
    CHECK(run({"READY\n"}) == "ready BUSY");
    CHECK(run({"hello\n"}) == "violation UNKNOWN");
    CHECK(run({"hello"}) == " ACKNOWLEDGED");
    CHECK(run({"READY\r\n"}) == "violation UNKNOWN");
    CHECK(run({"READY "}) == "violation UNKNOWN");
    CHECK(run({"ready\n"}) == "violation UNKNOWN");
    CHECK(run({"READY\nREADY\n"}) == "ready violation UNKNOWN");
    CHECK(run({"READY\nx"}) == "ready violation UNKNOWN");
    CHECK(run({"hello\n", "READY\n"}) == "violation UNKNOWN");
}

TEST_CASE("READY must be quiet") {
    ListenerProtocol protocol;
    std::string_view bytes = "READY\n";
    CHECK(protocol.next(bytes) == ListenerStep::Ready);
    bytes = "READY\n";
    CHECK(protocol.next(bytes) == ListenerStep::Violation);
}

TEST_CASE("results") {
    CHECK(busy("RESULT 2\nOK") == "ok ACKNOWLEDGED");
    CHECK(busy("RESULT 2\nOKREADY\n") == "ok ready BUSY");
    CHECK(busy("RESULT 4\nFAILREADY\n") == "rejected ready BUSY");
    CHECK(busy("RESULT 3\nOK\nREADY\n") == "rejected ready BUSY");
    CHECK(busy("RESULT 2\nok") == "rejected ACKNOWLEDGED");
    CHECK(busy("RESULT 2\nOx") == "rejected ACKNOWLEDGED");
    CHECK(busy("RESULT 1\nO") == "rejected ACKNOWLEDGED");
    CHECK(busy("RESULT   2 \nOK") == "ok ACKNOWLEDGED");
    CHECK(busy("RESULT 2\r\nOK") == "ok ACKNOWLEDGED");
    CHECK(busy("RESULT +2\nOK") == "ok ACKNOWLEDGED");
    CHECK(busy("XXXXXX 2\nOK") == "ok ACKNOWLEDGED");
    CHECK(busy("RESULT 0\n") == "rejected ACKNOWLEDGED");
    CHECK(busy("RESULT 0\nREADY\n") == "rejected ready BUSY");
    CHECK(busy("RESULT 2\nO") == " BUSY");
    CHECK(busy("RESULT 2") == " BUSY");
    CHECK(busy("RESULT 4000000000\nOK") == " BUSY");
}

TEST_CASE("lines that are no result") {
    CHECK(busy("hello world\n") == "badline UNKNOWN");
    CHECK(busy("\n") == "badline UNKNOWN");
    CHECK(busy("RESULT\n") == "badline UNKNOWN");
    CHECK(busy("RESULT \n") == "badline UNKNOWN");
    CHECK(busy("RESULT -2\nOK") == "badline UNKNOWN");
    CHECK(busy("RESULT +-2\nOK") == "badline UNKNOWN");
    CHECK(busy("RESULT +\nOK") == "badline UNKNOWN");
    CHECK(busy("RESULT 2 3\nOK") == "badline UNKNOWN");
    CHECK(busy("RESULT 99999999999999999999\n") == "badline UNKNOWN");
    CHECK(busy("READY\n") == "badline UNKNOWN");
    CHECK(busy("hello world\nRESULT 2\nOKREADY\n") == "badline UNKNOWN");

    ListenerProtocol protocol;
    std::string trace;
    feed(protocol, "READY\n", trace);
    std::string_view bytes = "hello world\nrest";
    CHECK(protocol.next(bytes) == ListenerStep::BadLine);
    CHECK(protocol.line() == "hello world");
}

TEST_CASE("an endless line is refused when it is longer than any result") {
    ListenerProtocol protocol;
    std::string trace;
    feed(protocol, "READY\n", trace);
    feed(protocol, "RESULT " + std::string(kMaxResultLine - 8, ' ') + "2\nOK", trace);
    CHECK(trace == "ready ok");
    feed(protocol, "READY\n", trace);
    std::string piece(1000, 'x');
    for (int i = 0; i < 4; ++i) feed(protocol, piece, trace);
    CHECK(trace == "ready ok ready");
    feed(protocol, std::string(96, 'x'), trace);
    CHECK(trace == "ready ok ready");
    feed(protocol, "y", trace);
    CHECK(trace == "ready ok ready badline");
    CHECK(protocol.line().size() == kMaxResultLine);
}

TEST_CASE("where the stream is cut makes no difference") {
    const std::string_view streams[] = {
        "RESULT 2\nOKREADY\n",
        "RESULT 4\nFAILREADY\n",
        "RESULT 2\nOKhello\n",
        "hello world\nREADY\n",
        "RESULT 12\nOKOKOKOKOKOKREADY\n",
        "RESULT 0\nREADY\n",
        "RESULT 1\n\nREADY\n",
        "RESULT -1\nx",
    };
    for (std::string_view stream : streams) {
        CAPTURE(stream);
        std::string whole = busy(stream);
        for (std::size_t i = 0; i <= stream.size(); ++i) {
            for (std::size_t j = i; j <= stream.size(); ++j) {
                // A last piece behind READY would meet an event: only cuts before that are comparable.
                std::string cut =
                    run({"READY\n", stream.substr(0, i), stream.substr(i, j - i), stream.substr(j)});
                CHECK(cut == "ready " + whole);
            }
        }
    }
}

TEST_CASE("progress carries a half-said answer to another engine") {
    const std::string_view answers[] = {"RESULT 2\nOKREADY\n", "RESULT 4\nFAILREADY\n",
                                        "RESULT 12\nOKOKOKOKOKOKREADY\n"};
    for (std::string_view answer : answers) {
        CAPTURE(answer);
        std::string whole = busy(answer);
        for (std::size_t i = 0; i < answer.size() - 6; ++i) {  // before the READY
            ListenerProtocol old_one;
            std::string trace;
            feed(old_one, "READY\n", trace);
            trace.clear();
            feed(old_one, answer.substr(0, i), trace);
            ListenerState state = old_one.state();
            REQUIRE(state == ListenerState::Busy);
            ListenerProtocol new_one;
            new_one.resume(state, old_one.progress());
            CHECK(new_one.state() == ListenerState::Busy);
            feed(new_one, answer.substr(i), trace);
            // The READY that follows is no step in state READY of a resumed listener.
            CHECK(trace + " " + std::string(listener_state_name(new_one.state())) == whole);
        }
    }
}

TEST_CASE("a resumed listener may say what the old engine had not heard") {
    ListenerProtocol protocol;
    std::string trace;
    SUBCASE("it was reading its first event: a late READY") {
        protocol.resume(ListenerState::Acknowledged, {});
        CHECK(protocol.state() == ListenerState::Ready);
        std::string_view bytes = "REA";
        CHECK(protocol.next(bytes) == ListenerStep::NeedMore);
        CHECK(protocol.state() == ListenerState::Ready);
        bytes = "DY\n";
        CHECK(protocol.next(bytes) == ListenerStep::NeedMore);
        CHECK(protocol.state() == ListenerState::Ready);
    }
    SUBCASE("the READY comes when an event is already in its pipe") {
        protocol.resume(ListenerState::Ready, {});
        protocol.event_sent();
        feed(protocol, "READY\nRESULT 2\nOKREADY\n", trace);
        CHECK(trace == "ok ready");
    }
    SUBCASE("the answer to an event of the old engine") {
        protocol.resume(ListenerState::Ready, {});
        std::string_view bytes = "RESULT 2\nO";
        CHECK(protocol.next(bytes) == ListenerStep::NeedMore);
        CHECK(protocol.state() == ListenerState::Busy);
        bytes = "KREADY\n";
        CHECK(protocol.next(bytes) == ListenerStep::Accepted);
        CHECK(protocol.next(bytes) == ListenerStep::Ready);
    }
    SUBCASE("READY from one that was BUSY: the old engine had its answer") {
        protocol.resume(ListenerState::Busy, {});
        feed(protocol, "READY\n", trace);
        CHECK(protocol.state() == ListenerState::Busy);  // with the next event
        feed(protocol, "RESULT 2\nOKREADY\n", trace);
        CHECK(trace == "ready ok ready");
    }
    SUBCASE("the late READY is still known to be late by a third engine") {
        protocol.resume(ListenerState::Acknowledged, {});
        protocol.event_sent();
        ListenerProtocol third;
        third.resume(protocol.state(), protocol.progress());
        feed(third, "READY\nRESULT 2\nOKREADY\n", trace);
        CHECK(trace == "ok ready");
    }
    SUBCASE("nonsense is nonsense") {
        protocol.resume(ListenerState::Ready, {});
        std::string_view bytes = "hello\n";
        CHECK(protocol.next(bytes) == ListenerStep::BadLine);
        CHECK(protocol.state() == ListenerState::Unknown);
    }
    SUBCASE("UNKNOWN stays so") {
        protocol.resume(ListenerState::Unknown, {});
        feed(protocol, "READY\n", trace);
        CHECK(trace.empty());
        CHECK(protocol.state() == ListenerState::Unknown);
    }
    SUBCASE("a new process is strict again") {
        protocol.resume(ListenerState::Ready, {});
        protocol.reset();
        CHECK_FALSE(protocol.resumed());
        feed(protocol, "READY\nREADY\n", trace);
        CHECK(trace == "ready violation");
    }
}

TEST_CASE("a note that is no note does no harm") {
    ListenerProgress odd;
    odd.flags = 0xFF;
    odd.size = 0xFF;
    odd.result_left = 0xFFFFFFFF;
    ListenerProtocol protocol;
    protocol.resume(ListenerState::Busy, odd);
    std::string trace;
    feed(protocol, "OK", trace);
    CHECK(trace.empty());
    odd.flags = ListenerProgress::kSkipped;
    protocol.resume(ListenerState::Busy, odd);
    feed(protocol, "\n", trace);
    CHECK(trace == "badline");
}
