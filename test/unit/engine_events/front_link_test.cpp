// Calls in pieces, violations, credentials, replies, streams, back-pressure.
#include "daemon/engine/front_link.hpp"

#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "test/unit/engine_events/fakes.hpp"

using namespace reeve;

namespace {

using Lines = std::vector<std::string>;

struct Reply {
    std::uint32_t id;
    ReplyBody body;
    std::string tail;
};

struct Fixture : CallHandler {
    FakeLoop loop;
    FakeLog log;
    Auth auth;
    FrontLink link{loop, log, auth, *this};
    Channel front;
    std::unique_ptr<ReceiveBuffer> buffer = std::make_unique<ReceiveBuffer>();
    std::vector<Call> calls;
    std::vector<std::uint32_t> pulls, cancels;

    Fixture() {
        auth.add_server("", "");
        auth.add_server("uu", "pp");
        connect();
    }
    void connect() {
        UniqueFd one, other;
        REQUIRE(make_channel_pair(one, other));
        front = Channel(std::move(one), Edge::RE, Edge::ER);
        link.attach(std::move(other));
    }
    void on_call(Call call) override { calls.push_back(std::move(call)); }
    void on_pull(std::uint32_t id) override { pulls.push_back(id); }
    void on_cancel(std::uint32_t id) override { cancels.push_back(id); }

    template <typename Body>
    void send(Msg type, std::uint32_t id, const Body& body, std::string_view tail = {}) {
        REQUIRE(front.send(type, id, body, as_bytes(tail)) == Send::Sent);
        loop.run_watches();
    }
    void call(std::uint32_t id, CallKind kind = CallKind::Rpc, std::string_view method = "m") {
        CallBody body{};
        body.peer_uid = kNoPeerUid;
        body.kind = kind;
        body.method_size = static_cast<std::uint16_t>(method.size());
        send(Msg::CALL, id, body, method);
    }
    void login(std::uint32_t id, std::string user, std::string password, CallKind kind = CallKind::Auth) {
        CallBody body{};
        body.listener = 1;
        body.kind = kind;
        body.credentials = Credentials::Basic;
        body.user_size = static_cast<std::uint16_t>(user.size());
        body.password_size = static_cast<std::uint16_t>(password.size());
        send(Msg::CALL, id, body, user + password);
    }
    std::optional<Reply> reply() {
        loop.run_watches();
        Received received;
        if (front.receive(*buffer, received) != Receive::Message) return std::nullopt;
        return Reply{received.message.serial, received.message.as<ReplyBody>(),
                     std::string(received.message.text())};
    }
    // "7 Value", "" if there is none.
    std::string status() {
        static const char* const names[] = {"Part",       "Value",       "Fault",    "Unauthorized",
                                            "BadRequest", "ServerError", "NotFound", "StreamOpen",
                                            "StreamData", "StreamEnd"};
        std::optional<Reply> one = reply();
        return one ? std::to_string(one->id) + " " + names[static_cast<std::uint32_t>(one->body.kind)] : "";
    }
    bool ended() {
        Received received;
        return front.receive(*buffer, received) == Receive::End;
    }
};

std::string arguments(std::vector<Value> values) {
    std::string out;
    encode(Value::array(std::move(values)), out);
    return out;
}

}  // namespace

TEST_CASE("a call arrives whole, and its value goes back") {
    Fixture f;
    std::string args = arguments({Value::string("x"), Value::integer(3)});
    CallBody body{0, 1000, static_cast<std::uint32_t>(args.size()), CallKind::Rpc, Credentials::None, 4, 0,
                  0, 9};
    f.send(Msg::CALL, 7, body, "a.bclocalhost" + args);
    REQUIRE(f.calls.size() == 1);
    CHECK(f.calls[0].id == 7);
    CHECK(f.calls[0].kind == CallKind::Rpc);
    CHECK(f.calls[0].method == "a.bc");
    CHECK(f.calls[0].address == "localhost");
    CHECK(f.calls[0].peer_uid == 1000);
    CHECK(f.calls[0].args == std::vector<Value>{Value::string("x"), Value::integer(3)});
    CHECK(f.link.is_open(7));
    f.link.reply_value(7, Value::string("result"));
    f.link.reply_value(7, Value::string("again"));
    std::optional<Reply> reply = f.reply();
    REQUIRE(reply);
    CHECK(reply->id == 7);
    CHECK(reply->body.kind == ReplyKind::Value);
    CHECK(decode(reply->tail) == Value::string("result"));
    CHECK_FALSE(f.reply());
    CHECK_FALSE(f.link.is_open(7));
}

TEST_CASE("arguments may come in pieces, calls interleaved") {
    Fixture f;
    std::string one = arguments({Value::string(std::string(200'000, 'x'))});
    std::string two = arguments({Value::string("y")});
    CallBody body{};
    body.kind = CallKind::Rpc;
    body.method_size = 1;
    body.args_size = static_cast<std::uint32_t>(one.size());
    f.send(Msg::CALL, 1, body, "m" + one.substr(0, 1000));
    body.args_size = static_cast<std::uint32_t>(two.size());
    f.send(Msg::CALL, 2, body, "n");
    f.send(Msg::CALL_MORE, 2, Empty{}, two);
    REQUIRE(f.calls.size() == 1);
    CHECK(f.calls[0].method == "n");
    for (std::size_t at = 1000; at < one.size(); at += kMaxChunk) {
        f.send(Msg::CALL_MORE, 1, Empty{}, std::string_view(one).substr(at, kMaxChunk));
    }
    REQUIRE(f.calls.size() == 2);
    CHECK(f.calls[1].args[0].as_string().size() == 200'000);
    CHECK(f.log.lines.empty());
}

TEST_CASE("each broken rule closes the edge with one line and cancels what is open") {
    struct Case {
        const char* what;
        std::function<void(Fixture&)> act;
    };
    CallBody good{};
    good.kind = CallKind::Rpc;
    auto with = [&](auto change) {
        CallBody body = good;
        change(body);
        return body;
    };
    const Case cases[] = {
        {"unknown kind of call",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.kind = CallKind{0}; })); }},
        {"unknown kind of call",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.kind = CallKind{6}; })); }},
        {"unknown kind of credentials",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.credentials = Credentials{5}; })); }},
        {"unknown listener",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.listener = 2; })); }},
        {"arguments too long",
         [&](Fixture& f) {
             f.send(Msg::CALL, 9, with([](auto& b) { b.args_size = FrontLink::kMaxArgs + 1; }));
         }},
        {"request number in use", [&](Fixture& f) { f.send(Msg::CALL, 1, good); }},
        {"user name without credentials",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.user_size = 1; }), "u"); }},
        {"texts longer than the message",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.method_size = 5; }), "meth"); }},
        {"texts longer than the message",
         [&](Fixture& f) {
             f.send(Msg::CALL, 9, with([](auto& b) { b.method_size = b.address_size = 0xFFFF; }), "meth");
         }},
        {"more arguments than announced", [&](Fixture& f) { f.send(Msg::CALL, 9, good, "x"); }},
        {"more arguments than announced",
         [&](Fixture& f) {
             f.send(Msg::CALL, 9, with([](auto& b) { b.args_size = 3; }));
             f.send(Msg::CALL_MORE, 9, Empty{}, "1234");
         }},
        {"more arguments than announced",
         [&](Fixture& f) {
             f.send(Msg::CALL, 9, with([](auto& b) { b.args_size = 3; }));
             f.send(Msg::CALL_MORE, 9, Empty{}, "");
         }},
        {"arguments for no open call", [&](Fixture& f) { f.send(Msg::CALL_MORE, 9, Empty{}, "x"); }},
        {"arguments for no open call", [&](Fixture& f) { f.send(Msg::CALL_MORE, 1, Empty{}, "x"); }},
        {"arguments that cannot be decoded",
         [&](Fixture& f) { f.send(Msg::CALL, 9, with([](auto& b) { b.args_size = 1; }), "\x7f"); }},
        {"arguments that cannot be decoded",
         [&](Fixture& f) {
             std::string bytes;
             encode(Value::integer(1), bytes);
             f.send(Msg::CALL, 9,
                    with([&](auto& b) { b.args_size = static_cast<std::uint32_t>(bytes.size()); }), bytes);
         }},
        {"a pull on a request that is no stream", [&](Fixture& f) { f.send(Msg::PULL, 1, Empty{}); }},
        {"a pull before the last one was answered",
         [&](Fixture& f) {
             f.link.stream_open(1, 0);
             f.send(Msg::PULL, 1, Empty{});
             f.send(Msg::PULL, 1, Empty{});
         }},
        {"too many calls under way",
         [&](Fixture& f) {
             for (std::uint32_t id = 10; id < 19; ++id) {
                 f.send(Msg::CALL, id, with([](auto& b) { b.args_size = FrontLink::kMaxArgs; }));
             }
         }},
        {"too many open requests",
         [&](Fixture& f) {
             for (std::uint32_t id = 2; id < kMaxOpenCalls + 2; ++id) f.send(Msg::CALL, id, good);
         }},
        {"message too short",
         [&](Fixture& f) {
             REQUIRE(::write(f.front.fd(), "\x46\0\0\0\1\0\0\0", 8) == 8);
             f.loop.run_watches();
         }},
        {"message of another edge",
         [&](Fixture& f) {
             REQUIRE(::write(f.front.fd(), "\x15\0\0\0\1\0\0\0", 8) == 8);
             f.loop.run_watches();
         }},
    };
    for (const Case& one : cases) {
        CAPTURE(one.what);
        Fixture f;
        f.call(1, CallKind::LogTail);
        one.act(f);
        CHECK(f.log.lines == Lines{std::string("ERRO supervisor-rpc broke the rules of its connection (") +
                                   one.what + "); the connection is closed"});
        CHECK_FALSE(f.link.connected());
        CHECK(f.link.open_requests() == 0);
        CHECK(std::count(f.cancels.begin(), f.cancels.end(), 1u) == 1);
        f.link.reply_value(1, Value());
        f.connect();
        f.call(1);
        f.link.reply_value(1, Value());
        CHECK(f.status() == "1 Value");
    }
}

TEST_CASE("the end of the front cancels its requests; a new edge begins anew") {
    Fixture f;
    f.call(1);
    f.call(2, CallKind::MainLogTail);
    SUBCASE("it dies") {
        f.front.close();
        f.loop.run_watches();
        CHECK_FALSE(f.link.connected());
    }
    SUBCASE("it is replaced") {}
    f.connect();
    std::sort(f.cancels.begin(), f.cancels.end());
    CHECK(f.cancels == std::vector<std::uint32_t>{1, 2});
    CHECK(f.log.lines.empty());
    f.link.reply_value(1, Value());
    CHECK(f.status() == "");
}

TEST_CASE("credentials") {
    Fixture f;
    f.login(1, "uu", "pp");
    CHECK(f.status() == "1 Value");
    f.login(2, "uu", "pp", CallKind::Rpc);
    CHECK(f.calls.size() == 1);
    CallBody body{};
    body.listener = 1;
    body.kind = CallKind::Rpc;
    f.send(Msg::CALL, 3, body);
    CHECK(f.status() == "3 Unauthorized");
    body.credentials = Credentials::OtherScheme;
    f.send(Msg::CALL, 4, body);
    CHECK(f.status() == "4 Unauthorized");
    body.credentials = Credentials::Malformed;
    f.send(Msg::CALL, 5, body);
    CHECK(f.status() == "5 BadRequest");
    body.credentials = Credentials::NoColon;
    f.send(Msg::CALL, 6, body);
    CHECK(f.status() == "6 ServerError");
    CHECK(f.calls.size() == 1);
    f.call(7, CallKind::Auth);  // a server without authentication
    CHECK(f.status() == "7 Value");
}

TEST_CASE("a wrong password is answered late, and keeps nobody else waiting") {
    Fixture f;
    f.login(1, "uu", "bad");
    f.loop.advance(400'000);
    f.login(2, "uu", "bad");
    f.login(3, "uu", "pp");
    CHECK(f.status() == "3 Value");
    f.loop.advance(599'999);
    CHECK(f.status() == "");
    f.loop.advance(1);
    CHECK(f.status() == "1 Unauthorized");
    CHECK(f.status() == "");
    f.loop.advance(400'000);
    CHECK(f.status() == "2 Unauthorized");
    CHECK(f.loop.idle());
    CHECK(f.calls.empty());
}

TEST_CASE("the arguments of a refused call are thrown away") {
    Fixture f;
    CallBody body{};
    body.listener = 1;
    body.kind = CallKind::Rpc;
    body.args_size = 3;
    f.send(Msg::CALL, 1, body, "\x7f");
    CHECK(f.status() == "");
    f.send(Msg::CALL_MORE, 1, Empty{}, "\x7f\x7f");
    CHECK(f.status() == "1 Unauthorized");
    body.credentials = Credentials::Basic;
    f.send(Msg::CALL, 2, body);
    f.loop.advance(2'000'000);
    CHECK(f.status() == "");
    f.send(Msg::CALL_MORE, 2, Empty{}, "\x7f\x7f\x7f");
    CHECK(f.status() == "2 Unauthorized");
    CHECK(f.log.lines.empty());
}

TEST_CASE("guessing in parallel does not help, and other servers do not suffer") {
    Fixture f;
    f.auth.add_server("vv", "qq");
    for (std::uint32_t id = 0; id < FrontLink::kMaxFailures; ++id) f.login(id, "uu", "bad");
    CHECK(f.status() == "");
    f.login(500, "uu", "pp");
    CHECK(f.status() == "500 ServerError");
    CallBody body{};
    body.listener = 2;
    body.kind = CallKind::Auth;
    body.credentials = Credentials::Basic;
    body.user_size = body.password_size = 2;
    f.send(Msg::CALL, 501, body, "vvqq");
    CHECK(f.status() == "501 Value");
    // Neither cancelling nor a new edge forgets the failures.
    f.send(Msg::CANCEL, 3, Empty{});
    f.connect();
    f.login(1, "uu", "pp");
    CHECK(f.status() == "1 ServerError");
    f.loop.advance(FrontLink::kFailureDelay);
    f.login(2, "uu", "pp");
    CHECK(f.status() == "2 Value");
    CHECK(f.loop.idle());
}

TEST_CASE("cancelled requests get no reply") {
    Fixture f;
    f.call(1);
    f.send(Msg::CANCEL, 1, Empty{});
    CHECK(f.cancels == std::vector<std::uint32_t>{1});
    f.link.reply_value(1, Value());
    CHECK(f.status() == "");
    f.send(Msg::CANCEL, 1, Empty{});
    f.send(Msg::PULL, 1, Empty{});
    CHECK(f.cancels.size() == 1);
    f.login(2, "uu", "bad");
    f.send(Msg::CANCEL, 2, Empty{});
    CHECK(f.cancels.size() == 1);
    f.loop.advance(2'000'000);
    CHECK(f.status() == "");
    CallBody body{};
    body.kind = CallKind::Rpc;
    body.args_size = FrontLink::kMaxArgs;
    for (std::uint32_t id = 10; id < 30; ++id) {  // cancelled halves do not count
        f.send(Msg::CALL, id, body);
        f.send(Msg::CANCEL, id, Empty{});
    }
    CHECK(f.log.lines.empty());
}

TEST_CASE("faults and statuses") {
    Fixture f;
    f.call(1);
    f.call(2);
    f.link.reply_fault(1, 10, "BAD_NAME: x");
    std::optional<Reply> reply = f.reply();
    REQUIRE(reply);
    CHECK(reply->body.kind == ReplyKind::Fault);
    CHECK(reply->body.code == 10);
    CHECK(reply->tail == "BAD_NAME: x");
    f.link.reply_status(2, ReplyKind::NotFound);
    CHECK(f.status() == "2 NotFound");
    f.call(3);
    std::string longest(kMaxChunk - 1, 'x');
    f.link.reply_fault(3, 1, longest + "\xc3\xa9");
    reply = f.reply();
    REQUIRE(reply);
    CHECK(reply->tail == longest);
}

TEST_CASE("a reply waits for its lines, whatever becomes of the one before it") {
    Fixture f;
    f.log.in_the_log = false;
    f.call(1, CallKind::LogTail);
    f.link.stream_open(1, 0);
    f.call(2);
    f.link.reply_status(2, ReplyKind::NotFound);
    f.send(Msg::CANCEL, 1, Empty{});
    std::exchange(f.log.tell_settled, {})();  // of the first
    CHECK(f.status() == "");
    REQUIRE(f.log.tell_settled);
    f.log.tell_settled();
    CHECK(f.status() == "2 NotFound");
    CHECK(f.status() == "");
}

TEST_CASE("streams give one piece for each pull") {
    Fixture f;
    f.call(1, CallKind::LogTail);
    CHECK_FALSE(f.link.stream_data(1, "x"));
    f.link.stream_open(1, 1234);
    std::optional<Reply> reply = f.reply();
    REQUIRE(reply);
    CHECK(reply->body.kind == ReplyKind::StreamOpen);
    CHECK(reply->body.mtime == 1234);
    CHECK_FALSE(f.link.stream_data(1, "x"));
    f.send(Msg::PULL, 1, Empty{});
    CHECK(f.pulls == std::vector<std::uint32_t>{1});
    CHECK_FALSE(f.link.stream_data(1, std::string(kMaxChunk + 1, 'x')));
    CHECK(f.link.stream_data(1, "piece"));
    CHECK_FALSE(f.link.stream_data(1, "piece"));
    CHECK(f.reply()->tail == "piece");
    f.send(Msg::PULL, 1, Empty{});
    f.link.stream_end(1);
    CHECK(f.status() == "1 StreamEnd");
    f.send(Msg::PULL, 1, Empty{});
    CHECK(f.log.lines.empty());
    CHECK(f.pulls.size() == 2);
}

TEST_CASE("large values go in parts, wait for a slow front, and hold back its calls") {
    Fixture f;
    for (std::uint32_t id = 1; id <= 3; ++id) f.call(id);
    Value big = Value::string(std::string(7'000'000, 'v'));
    for (std::uint32_t id = 1; id <= 3; ++id) f.link.reply_value(id, big);
    CHECK(f.link.queued_bytes() > FrontLink::kMaxQueued);
    CallBody body{};
    body.kind = CallKind::Rpc;
    f.send(Msg::CALL, 4, body);
    CHECK(f.calls.size() == 3);
    std::map<std::uint32_t, std::string> values;
    for (int ended = 0; ended < 3;) {
        std::optional<Reply> reply = f.reply();
        REQUIRE(reply);
        values[reply->id] += reply->tail;
        if (reply->body.kind == ReplyKind::Value) ++ended;
    }
    for (const auto& [id, bytes] : values) CHECK((decode(bytes) == big));
    CHECK(f.link.queued_bytes() == 0);
    f.loop.run_watches();
    CHECK(f.calls.size() == 4);
}

TEST_CASE("a front that dies with replies queued does no harm") {
    Fixture f;
    f.call(1);
    f.call(2);
    f.link.reply_value(1, Value::string(std::string(20'000'000, 'v')));
    f.front.close();
    f.loop.run_watches();
    CHECK_FALSE(f.link.connected());
    CHECK(f.link.queued_bytes() == 0);
    CHECK(f.cancels == std::vector<std::uint32_t>{2});
}
