// The engine as a whole, with a spawner, a log writer and a front made of paper: who is started and stopped
// in which order, what calls are answered, what becomes of a message that makes no sense.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <deque>

#include "common/base/channel.hpp"
#include "common/rpcproto/value.hpp"
#include "daemon/engine/outcome.hpp"
#include "daemon/engine/supervisor.hpp"
#include "test/unit/engine_events/fakes.hpp"
#include "view_builder.hpp"

using namespace reeve;

namespace {

using Seen = std::vector<std::string>;

class Paper {
  public:
    FakeLoop loop;
    Channel spawner;
    Channel log;
    Channel front;
    std::unique_ptr<Supervisor> engine;
    std::string violation;
    bool ended = false;
    bool spawn_at_once = true;
    bool check_at_once = true;
    bool kill_at_once = true;
    int kill_error = 0;
    Seen asked;  // of the spawner
    Seen lines;
    std::uint32_t next_call = 1;

    explicit Paper(const std::vector<ViewGroup>& groups, std::uint32_t flags = 0) {
        UniqueFd ours, theirs;
        REQUIRE(make_channel_pair(ours, theirs));
        spawner = Channel(std::move(ours), Edge::SE, Edge::ES);
        engine = std::make_unique<Supervisor>(loop, std::move(theirs), [this](const char* wrong) {
            ended = true;
            violation = wrong != nullptr ? wrong : "";
        });
        HelloBody hello{};
        hello.protocol = kProtocol;
        hello.flags = flags;
        hello.daemon_pid = 77;
        hello.loglevel = static_cast<std::uint32_t>(Level::Info);
        say(Msg::HELLO, 0, hello);
        config(groups, 0);
        say(Msg::SLOTS_END, 0, SlotsEndBody{0, 0});
        log = peer(Role::Log, Edge::LE, Edge::EL);
        front = peer(Role::Rpc, Edge::RE, Edge::ER);
        run();
    }

    template <typename Body>
    void say(Msg type, std::uint32_t serial, const Body& body, std::string_view tail = {}, int fd = -1) {
        REQUIRE(spawner.send(type, serial, body, as_bytes(tail), {&fd, fd >= 0 ? 1u : 0u}) == Send::Sent);
    }
    void config(const std::vector<ViewGroup>& groups, std::uint32_t request) {
        ViewBuilder view(groups);
        UniqueFd fd = view.memfd();
        say(Msg::CONFIG, request, ConfigBody{++generation_, view.size()}, {}, fd.get());
    }
    Channel peer(Role role, Edge out, Edge in) {
        UniqueFd ours, theirs;
        REQUIRE(make_channel_pair(ours, theirs));
        say(Msg::PEER, 0, PeerBody{role}, {}, theirs.get());
        return Channel(std::move(ours), out, in);
    }

    // Until nobody has anything left to say. Time does not pass.
    void run() {
        for (bool any = true; any;) {
            loop.run_watches();
            loop.advance(0);
            any = false;
            Received received;
            while (log.open() && log.receive(buffer_, received) == Receive::Message) {
                any = true;
                if (received.message.type == Msg::LINE) lines.emplace_back(received.message.text());
                if (received.message.type == Msg::SYNC) {
                    log.send(Msg::DONE, received.message.serial, DoneBody{});
                }
            }
            while (spawner.receive(buffer_, received) == Receive::Message) {
                any = true;
                on_request(received.message);
            }
        }
    }
    void pass(double seconds) {
        loop.advance(static_cast<std::uint64_t>(seconds * 1e6));
        run();
    }
    void exit(std::uint32_t slot, int status) {
        say(Msg::EXITED, serial_[slot], ExitedBody{slot, static_cast<std::uint32_t>(status), 1});
        run();
    }
    void drain(std::uint32_t slot) {
        REQUIRE(log.send(Msg::DRAINED, serial_[slot], DrainBody{slot}) == Send::Sent);
        run();
    }
    void die(std::uint32_t slot, int status) {
        exit(slot, status);
        drain(slot);
    }
    // Answers the oldest CHECK.
    void checked(Stage stage) {
        REQUIRE(!checks_.empty());
        auto [request, slot] = checks_.front();
        checks_.pop_front();
        say(Msg::CHECKED, request, SpawnFailedBody{slot, stage, 0, 0});
    }
    Seen take() { return std::exchange(asked, {}); }

    std::uint32_t call(const std::string& method, std::vector<Value> args = {}) {
        std::string encoded;
        encode(Value::array(std::move(args)), encoded);
        CallBody body{};
        body.peer_uid = kNoPeerUid;
        body.args_size = static_cast<std::uint32_t>(encoded.size());
        body.kind = CallKind::Rpc;
        body.method_size = static_cast<std::uint16_t>(method.size());
        REQUIRE(front.send(Msg::CALL, next_call, body, as_bytes(method + encoded)) == Send::Sent);
        run();
        return next_call++;
    }
    // The answer that has come: a value as text, a fault's text, "HTTP n", or "" if there is none yet.
    std::string answer() {
        Received received;
        if (front.receive(buffer_, received) != Receive::Message) return "";
        auto body = received.message.as<ReplyBody>();
        if (body.kind == ReplyKind::Fault)
            return std::to_string(body.code) + " " + std::string(received.message.text());
        if (body.kind != ReplyKind::Value) return "kind " + std::to_string(static_cast<int>(body.kind));
        auto value = decode(received.message.text());
        REQUIRE(value);
        return shown(*value);
    }
    std::string ask(const std::string& method, std::vector<Value> args = {}) {
        call(method, std::move(args));
        return answer();
    }

  private:
    void on_request(const Message& message) {
        switch (message.type) {
            case Msg::SPAWN: {
                std::uint32_t slot = message.as<SpawnBody>().slot;
                asked.push_back("SPAWN " + std::to_string(slot));
                if (serial_.size() <= slot) serial_.resize(slot + 1);
                serial_[slot] = ++last_serial_;
                if (spawn_at_once) {
                    SpawnedBody body{slot, 1000 + slot, 1, loop.now, 0, Stage::None, 0, 0};
                    say(Msg::SPAWNED, last_serial_, body);
                }
                return;
            }
            case Msg::CHECK:
                checks_.emplace_back(message.serial, message.as<CheckBody>().slot);
                if (check_at_once) checked(Stage::None);
                return;
            case Msg::KILL: {
                auto body = message.as<KillBody>();
                asked.push_back("KILL " + std::to_string(body.slot) + " " + std::to_string(body.signo));
                KillResultBody result{body.slot, body.signo, kill_error, 0};
                if (kill_at_once) say(Msg::KILL_RESULT, message.serial, result);
                return;
            }
            case Msg::NOTE: return;
            default: asked.push_back(message_name(static_cast<std::uint16_t>(message.type)));
        }
    }

    ReceiveBuffer buffer_;
    std::deque<std::pair<std::uint32_t, std::uint32_t>> checks_;  // request, slot
    std::uint32_t generation_ = 0;
    std::uint32_t last_serial_ = 0;
    std::vector<std::uint32_t> serial_;
};

std::vector<ViewGroup> three() {
    return {{"low", 1, {{"low"}}},
            {"team", 500, {{"p9", 9}, {"p1", 1}, {"p5", 5}}},
            {"zlast", 900, {{"zlast", 900, false}}}};
}

Value name(const char* text) { return Value::string(text); }

}  // namespace

TEST_CASE("start: everything is activated, then groups by priority, members as listed") {
    Paper paper(three());
    CHECK(paper.take() ==
          Seen{"READY", "ACTIVATE", "ACTIVATE", "ACTIVATE", "SPAWN 0", "SPAWN 1", "SPAWN 2", "SPAWN 3"});
    CHECK(paper.lines == Seen{"spawned: 'low' with pid 1000", "spawned: 'p9' with pid 1001",
                              "spawned: 'p1' with pid 1002", "spawned: 'p5' with pid 1003"});
    CHECK(paper.ask("supervisor.getPID") == "77");
}

TEST_CASE("shutdown: group by group from the highest number, a group's processes together, descending") {
    Paper paper(three());
    paper.pass(2);
    paper.take();
    paper.lines.clear();
    paper.say(Msg::SIGNAL, 0, SignalBody{SIGTERM});
    paper.run();
    CHECK(paper.take() == Seen{"STOPPING", "KILL 1 15", "KILL 3 15", "KILL 2 15"});
    CHECK(paper.lines ==
          Seen{"received SIGTERM indicating exit request", "waiting for low, p9, p1, p5 to die"});
    CHECK(paper.ask("supervisor.getState") == "6 SHUTDOWN_STATE");
    paper.die(3, 15);
    paper.die(1, 15);
    CHECK(paper.take() == Seen{"ACK_EXIT", "ACK_EXIT"});
    paper.lines.clear();
    paper.pass(3);
    CHECK(paper.lines == Seen{"waiting for low, p1 to die"});
    paper.die(2, 15);
    CHECK(paper.take() == Seen{"ACK_EXIT", "KILL 0 15"});
    paper.die(0, 15);
    CHECK(paper.take() == Seen{"ACK_EXIT", "FINISH"});
    paper.spawner.close();
    paper.loop.run_watches();
    CHECK(paper.ended);
    CHECK(paper.violation == "");
}

TEST_CASE("shutdown: starts that wait for their turn are dropped") {
    ViewGroup team{"team", 999, {}};
    for (int i = 0; i < 30; ++i) team.processes.push_back({"p" + std::to_string(i)});
    Paper paper({team, {"zlast", 999, {{"zlast"}}}});
    paper.pass(2);
    for (int i = 0; i < 5; ++i) {
        paper.ask("supervisor.stopProcessGroup", {name("team"), Value::boolean(false)});
        for (std::uint32_t slot = 0; slot < 30; ++slot) paper.die(slot, 15);
        paper.ask("supervisor.startProcessGroup", {name("team"), Value::boolean(false)});
    }
    Seen asked = paper.take();
    auto spawned = std::count_if(asked.begin(), asked.end(),
                                 [](const std::string& one) { return one.substr(0, 5) == "SPAWN"; });
    CHECK(spawned > 31);
    CHECK(spawned < 181);
    paper.ask("supervisor.shutdown");
    CHECK(paper.take() == Seen{"STOPPING", "KILL 30 15"});
    paper.pass(10);
    CHECK(paper.take() == Seen{"KILL 30 9"});
}

TEST_CASE("shutdown leaves a child behind that cannot be signalled") {
    Paper paper(three());
    paper.pass(2);
    paper.take();
    paper.lines.clear();
    paper.kill_error = EPERM;
    paper.say(Msg::SIGNAL, 0, SignalBody{SIGTERM});
    paper.run();
    CHECK(paper.take() == Seen{"STOPPING", "KILL 1 15", "KILL 3 15", "KILL 2 15", "KILL 0 15", "FINISH"});
    REQUIRE(paper.lines.size() == 10);
    CHECK(paper.lines[2].substr(0, 32) == "unknown problem killing p9 (1001");
    CHECK(paper.lines.back() == "leaving p5 (1003) behind, because it could not be signalled");
}

TEST_CASE("SIGHUP: the configuration is read first, and nothing stops if it is bad") {
    Paper paper(three());
    paper.take();
    paper.say(Msg::SIGNAL, 0, SignalBody{SIGHUP});
    paper.run();
    CHECK(paper.take() == Seen{"RELOAD"});
    SUBCASE("bad") {
        paper.lines.clear();
        paper.say(Msg::CONFIG_FAILED, 1, ConfigFailedBody{2},
                  "Error: it is bad\nFor help, use supervisord -h\n");
        paper.run();
        CHECK(paper.take() == Seen{});
        CHECK(paper.lines == Seen{"no restart, because the configuration cannot be used: it is bad"});
    }
    SUBCASE("good") {
        paper.config(three(), 1);
        paper.run();
        CHECK(paper.take().front() == "STOPPING");
    }
    SUBCASE("a shutdown comes first") {
        paper.say(Msg::SIGNAL, 0, SignalBody{SIGTERM});
        paper.config(three(), 1);
        paper.run();
        Seen asked = paper.take();
        CHECK(std::count(asked.begin(), asked.end(), "STOPPING") == 1);
    }
}

TEST_CASE("start with and without wait") {
    Paper paper(three());
    paper.take();
    paper.call("supervisor.startProcess", {name("zlast")});
    CHECK(paper.take() == Seen{"SPAWN 4"});
    CHECK(paper.answer() == "");
    paper.pass(1);
    CHECK(paper.answer() == "True");
    CHECK(paper.ask("supervisor.startProcess", {name("zlast")}) == "60 ALREADY_STARTED: zlast");
    CHECK(paper.ask("supervisor.startProcess", {name("team:*")}) == "[]");
    CHECK(paper.ask("supervisor.stopProcess", {name("zlast"), Value::boolean(false)}) == "True");
    CHECK(paper.ask("supervisor.stopProcess", {name("zlast")}) == "70 NOT_RUNNING: zlast");
    paper.die(4, 15);
    CHECK(paper.ask("supervisor.startProcess", {name("zlast"), Value::integer(0)}) == "True");
}

TEST_CASE("start of a process that stops waits for the stop and is answered truly") {
    Paper paper(three());
    paper.pass(1);
    paper.ask("supervisor.stopProcess", {name("low"), Value::boolean(false)});
    paper.call("supervisor.startProcess", {name("low")});
    paper.pass(5);
    CHECK(paper.answer() == "");
    paper.take();
    paper.die(0, 15);
    CHECK(paper.take() == Seen{"ACK_EXIT", "SPAWN 0"});
    CHECK(paper.answer() == "");
    paper.pass(1);
    CHECK(paper.answer() == "True");
}

TEST_CASE("a start that waits for the end of a stop is taken back by a stop of all, too") {
    Paper paper(three());
    paper.pass(1);
    paper.ask("supervisor.stopProcess", {name("low"), Value::boolean(false)});
    paper.call("supervisor.startProcess", {name("low")});
    paper.call("supervisor.stopProcessGroup", {name("low"), Value::boolean(false)});
    CHECK(paper.answer() == "[{'name': 'low', 'group': 'low', 'status': 80, 'description': 'OK'}]");
    CHECK(paper.answer() == "40 ABNORMAL_TERMINATION: low");
    paper.take();
    paper.die(0, 15);
    CHECK(paper.take() == Seen{"ACK_EXIT"});
}

TEST_CASE("the first early exit ends a start with SPAWN_ERROR") {
    Paper paper(three());
    paper.call("supervisor.startProcess", {name("zlast")});
    paper.die(4, 1 << 8);
    CHECK(paper.answer() == "50 SPAWN_ERROR: zlast");
}

TEST_CASE("a group's answers come in the order of completion") {
    Paper paper({{"g", 1, {{"slow", 3, false, 4}, {"fast", 2, false, 0}, {"mid", 1, false, 1}}}});
    paper.take();
    paper.call("supervisor.startProcessGroup", {name("g")});
    CHECK(paper.take() == Seen{"SPAWN 2", "SPAWN 1", "SPAWN 0"});
    paper.pass(4);
    auto ok = [](const char* process) {
        return std::string("{'name': '") + process + "', 'group': 'g', 'status': 80, 'description': 'OK'}";
    };
    CHECK(paper.answer() == "[" + ok("fast") + ", " + ok("mid") + ", " + ok("slow") + "]");
}

TEST_CASE("multicall keeps the order, also of answers that take time") {
    Paper paper(three());
    auto one = [](const char* method, std::vector<Value> params) {
        return Value::structure(
            {{"methodName", Value::string(method)}, {"params", Value::array(std::move(params))}});
    };
    paper.call("system.multicall",
               {Value::array({one("supervisor.startProcess", {name("zlast")}), one("supervisor.getPID", {}),
                              one("supervisor.stopProcess", {name("nope")}), one("system.multicall", {}),
                              Value::structure({})})});
    CHECK(paper.answer() == "");
    paper.pass(1);
    CHECK(paper.answer() ==
          "[True, 77, {'faultCode': 10, 'faultString': 'BAD_NAME: nope'}, {'faultCode': 2, 'faultString': "
          "'INCORRECT_PARAMETERS: Recursive system.multicall forbidden'}, {'faultCode': 2, 'faultString': "
          "'INCORRECT_PARAMETERS: No methodName'}]");
}

TEST_CASE("a reloadConfig during another one is answered by a reading of its own") {
    Paper paper(three());
    paper.take();
    paper.call("supervisor.reloadConfig");
    paper.call("supervisor.reloadConfig");
    CHECK(paper.take() == Seen{"RELOAD"});
    CHECK(paper.answer() == "");
    paper.say(Msg::CONFIG_FAILED, 1, ConfigFailedBody{2}, "Error: first\n");
    paper.run();
    CHECK(paper.answer() == "92 CANT_REREAD: first");
    CHECK(paper.answer() == "");
    CHECK(paper.take() == Seen{"RELOAD"});
    paper.config(three(), 2);
    paper.run();
    CHECK(paper.answer() == "[[[], [], []]]");
    CHECK(paper.take() == Seen{});
    CHECK(!paper.ended);
}

TEST_CASE("reloadConfig tells what differs; add and remove use free slots") {
    Paper paper({{"a", 1, {{"a"}}}, {"b", 1, {{"b"}, {"b2"}}}, {"c", 1, {{"c", 999, false}}}});
    paper.take();
    paper.call("supervisor.reloadConfig");
    paper.call("supervisor.reloadConfig");
    CHECK(paper.take() == Seen{"RELOAD"});  // the second waits
    ViewProcess changed{"b"};
    changed.definition = 2;
    paper.config({{"a", 1, {{"a"}}}, {"b", 1, {changed, {"b2"}}}, {"d", 1, {{"d"}}}}, 1);
    paper.run();
    CHECK(paper.take() == Seen{"RELOAD"});
    CHECK(paper.answer() == "[[['d'], ['b'], ['c']]]");
    paper.say(Msg::CONFIG_FAILED, 2, ConfigFailedBody{2}, "no file");
    paper.run();
    CHECK(paper.answer() == "92 CANT_REREAD: no file");

    CHECK(paper.ask("supervisor.removeProcessGroup", {name("a")}) == "91 STILL_RUNNING: a");
    CHECK(paper.ask("supervisor.removeProcessGroup", {name("c")}) == "True");
    CHECK(paper.ask("supervisor.removeProcessGroup", {name("c")}) == "10 BAD_NAME: c");
    CHECK(paper.ask("supervisor.addProcessGroup", {name("a")}) == "90 ALREADY_ADDED: a");
    CHECK(paper.ask("supervisor.addProcessGroup", {name("d")}) == "True");
    CHECK(paper.take() == Seen{"DEACTIVATE", "ACTIVATE", "SPAWN 4"});
}

TEST_CASE("slots of a group that was removed are nobody's for a second, if there are others") {
    Paper paper(three());
    paper.take();
    auto again = [&](const char* group) {
        CHECK(paper.ask("supervisor.removeProcessGroup", {name(group)}) == "True");
        CHECK(paper.ask("supervisor.addProcessGroup", {name(group)}) == "True");
        paper.call("supervisor.startProcess", {name(group)});
        Seen seen = paper.take();
        paper.pass(1);
        CHECK(paper.answer() == "True");
        return seen.back();
    };
    CHECK(again("zlast") == "SPAWN 5");
    paper.call("supervisor.stopProcess", {name("zlast")});
    paper.die(5, 15);
    CHECK(paper.answer() == "True");
    CHECK(again("zlast") == "SPAWN 4");  // which has rested
}

TEST_CASE("a group that is added amid a reading comes from its result, for the spawner takes no older one") {
    Paper paper({{"a", 1, {{"a"}}}, {"d", 3, {{"d"}}}});
    paper.take();
    paper.call("supervisor.reloadConfig");
    paper.call("supervisor.addProcessGroup", {name("e")});
    CHECK(paper.answer() == "");
    CHECK(paper.take() == Seen{"RELOAD"});
    SUBCASE("good") {
        paper.config({{"a", 1, {{"a"}}}, {"d", 3, {{"d"}}}, {"e", 4, {{"e"}}}}, 1);
        paper.run();
        CHECK(paper.take() == Seen{"ACTIVATE", "SPAWN 2"});
        CHECK(paper.answer() == "[[['e'], [], []]]");
        CHECK(paper.answer() == "True");
    }
    SUBCASE("a shutdown began") {
        paper.say(Msg::SIGNAL, 0, SignalBody{SIGTERM});
        paper.config({{"a", 1, {{"a"}}}, {"d", 3, {{"d"}}}, {"e", 4, {{"e"}}}}, 1);
        paper.run();
        CHECK(paper.take().front() == "STOPPING");
        paper.answer();
        CHECK(paper.answer() == "6 SHUTDOWN_STATE");
    }
}

TEST_CASE("the answer to a signal may outlive its group") {
    Paper paper(three());
    paper.say(Msg::KILL_RESULT, 7, KillResultBody{900, 15, ESRCH, 0});
    paper.run();
    CHECK(!paper.ended);
    paper.say(Msg::EXITED, 7, ExitedBody{900, 0, 0});
    paper.run();
    CHECK(paper.violation == "news of a slot that is not active");
}

TEST_CASE(
    "a group that is removed while a command is checked: the client is told, the answer is nobody else's") {
    Paper paper(three());
    paper.take();
    paper.check_at_once = false;
    paper.call("supervisor.startProcess", {name("zlast")});
    CHECK(paper.ask("supervisor.removeProcessGroup", {name("zlast")}) == "True");
    CHECK(paper.answer() == "10 BAD_NAME: zlast");

    paper.pass(1);  // else it gets another slot
    CHECK(paper.ask("supervisor.addProcessGroup", {name("zlast")}) == "True");
    paper.call("supervisor.startProcess", {name("zlast")});
    paper.checked(Stage::CommandNotFound);
    paper.run();
    CHECK(paper.answer() == "");
    paper.checked(Stage::None);
    paper.run();
    CHECK(paper.take() == Seen{"DEACTIVATE", "ACTIVATE", "SPAWN 4"});
    paper.pass(1);
    CHECK(paper.answer() == "True");
}

TEST_CASE("a group that is removed before the answer to a signal: the client is told") {
    Paper paper(three());
    paper.pass(1);
    paper.kill_at_once = false;
    paper.call("supervisor.signalProcess", {name("low"), name("HUP")});
    paper.die(0, 0);
    CHECK(paper.answer() == "");
    CHECK(paper.ask("supervisor.removeProcessGroup", {name("low")}) == "True");
    CHECK(paper.answer() == "True");
}

TEST_CASE("an answer to a front that has died is nobody's, though its successor counts from 1 as well") {
    Paper paper(three());
    paper.pass(1);
    std::uint32_t id = paper.call("supervisor.stopProcess", {name("low")});
    paper.front = paper.peer(Role::Rpc, Edge::RE, Edge::ER);
    paper.run();
    paper.next_call = id;
    paper.call("supervisor.startProcess", {name("zlast")});
    paper.die(0, 15);
    CHECK(paper.answer() == "");
    paper.pass(1);
    CHECK(paper.answer() == "True");
    CHECK(paper.answer() == "");
}

TEST_CASE("a log that becomes AUTO is no change; one that stops being it is") {
    auto with = [](LogKind kind, const char* path) {
        ViewProcess process{"a"};
        process.log = kind;
        process.log_path = path;
        return ViewBuilder({{"a", 1, {process}}});
    };
    auto changed = [](const ViewBuilder& before, const ViewBuilder& after) {
        const char* wrong = nullptr;
        auto a = Generation::map({1, before.size()}, before.memfd(), wrong);
        auto b = Generation::map({2, after.size()}, after.memfd(), wrong);
        REQUIRE(a);
        REQUIRE(b);
        return group_changed(a->image(), 0, b->image(), 0);
    };
    auto file = with(LogKind::File, "/x"), other = with(LogKind::File, "/y");
    auto automatic = with(LogKind::Auto, "/r1"), again = with(LogKind::Auto, "/r2");
    CHECK(!changed(file, file));
    CHECK(changed(file, other));
    CHECK(!changed(file, automatic));
    CHECK(changed(automatic, file));
    CHECK(!changed(automatic, again));
}

TEST_CASE("messages that make no sense end the engine") {
    Paper paper(three());
    SUBCASE("a slot that is not active") { paper.say(Msg::EXITED, 1, ExitedBody{99, 0, 0}); }
    SUBCASE("an answer to no request") {
        paper.say(Msg::SPAWN_FAILED, 0, SpawnFailedBody{0, Stage::Fork, 1, 0});
    }
    SUBCASE("a configuration that nobody asked for") { paper.config(three(), 5); }
    SUBCASE("another HELLO") { paper.say(Msg::HELLO, 0, HelloBody{}); }
    SUBCASE("a signal that is not forwarded") { paper.say(Msg::SIGNAL, 0, SignalBody{SIGKILL}); }
    SUBCASE("a failure of no reload") { paper.say(Msg::CONFIG_FAILED, 9, ConfigFailedBody{1}); }
    paper.loop.run_watches();
    CHECK(paper.ended);
    CHECK(paper.violation != "");
}

TEST_CASE("an exit waits a second for a log writer that has written the output, be it the next one") {
    for (bool before : {true, false}) {
        for (bool next : {true, false}) {
            CAPTURE(before);
            CAPTURE(next);
            Paper paper(three());
            paper.pass(2);
            paper.take();
            if (!before) paper.exit(0, 0);
            paper.log.close();
            paper.run();
            if (before) paper.exit(0, 0);
            paper.pass(0.9);
            CHECK(paper.take() == Seen{});
            if (next) {
                paper.log = paper.peer(Role::Log, Edge::LE, Edge::EL);
                paper.run();
                CHECK(paper.take() == Seen{});
                paper.drain(0);
            } else {
                paper.pass(0.1);
            }
            CHECK(paper.take() == Seen{"ACK_EXIT"});
        }
    }
}

TEST_CASE("what a log writer had said before it died counts, also if its successor is there first") {
    Paper paper(three());
    paper.pass(2);
    paper.take();
    paper.say(Msg::EXITED, 1, ExitedBody{0, 0, 1});
    REQUIRE(paper.log.send(Msg::DRAINED, 1, DrainBody{0}) == Send::Sent);
    paper.log = paper.peer(Role::Log, Edge::LE, Edge::EL);
    paper.run();
    CHECK(paper.take() == Seen{"ACK_EXIT"});
}

TEST_CASE("the beginning of a communication that a dead log writer has left is not part of the next one") {
    constexpr std::uint64_t kWanted = std::uint64_t{1}
                                      << static_cast<std::uint32_t>(EventType::ProcessCommunicationStdout);
    Paper paper({{"ears", 1, {{"ears", 999, false, 0}}, kWanted}, {"zlast", 999, {{"zlast"}}}});
    paper.spawn_at_once = false;
    paper.call("supervisor.startProcess", {name("ears"), Value::boolean(false)});
    int in[2], out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC | O_NONBLOCK) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0);
    UniqueFd ears_in(in[0]), engines_out(in[1]), engines_in(out[0]), ears_out(out[1]);
    SpawnedBody ears{0, 1000, 1, paper.loop.now, kFdStdin | kFdListenerStdout, Stage::None, 0, 0};
    int fds[] = {engines_out.get(), engines_in.get()};
    REQUIRE(paper.spawner.send(Msg::SPAWNED, 2, ears, {}, fds) == Send::Sent);
    REQUIRE(::write(ears_out.get(), "READY\n", 6) == 6);
    paper.run();

    CommBody comm{stream_of(1, false), 1001, 0, 0};
    REQUIRE(paper.log.send(Msg::COMM, 1, comm, as_bytes("beginning")) == Send::Sent);
    paper.run();
    paper.log = paper.peer(Role::Log, Edge::LE, Edge::EL);
    comm.last = 1;
    REQUIRE(paper.log.send(Msg::COMM, 1, comm, as_bytes("whole")) == Send::Sent);
    paper.run();
    char told[512]{};
    REQUIRE(::read(ears_in.get(), told, sizeof told - 1) > 0);
    CHECK(std::string_view(told).substr(std::string_view(told).rfind('\n')) == "\nwhole");
}

TEST_CASE("log lines wait for the log writer") {
    Paper paper(three());
    paper.log.close();
    paper.run();
    paper.lines.clear();
    paper.say(Msg::SIGNAL, 0, SignalBody{SIGUSR2});
    paper.run();
    CHECK(paper.lines.empty());
    paper.log = paper.peer(Role::Log, Edge::LE, Edge::EL);
    paper.run();
    CHECK(paper.lines == Seen{"received SIGUSR2 indicating log reopen request", "supervisord logreopen"});
}
