// Whole lives of a process, replayed: what is asked of the spawner, told to listeners and logged, in order.
#include <doctest/doctest.h>

#include <cerrno>

#include "replay.hpp"

using namespace replay;

namespace {

std::string joined(const Seen& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

void check(Replay& replay, const Seen& expected) { CHECK(joined(replay.take()) == joined(expected)); }

const Seen kStart = {"E STARTING from STOPPED tries:0", "SPAWN"};

void run(Replay& replay) {
    replay.p().start();
    replay.spawned();
    replay.pass(1);
    replay.take();
    REQUIRE(replay.state() == "RUNNING");
}

}  // namespace

TEST_CASE("a start: success only after startsecs") {
    Replay replay(settings());
    replay.p().start_if_due();
    check(replay, kStart);
    replay.spawned(7);
    check(replay, {"INFO spawned: 'p' with pid 7"});
    replay.pass(0.999);
    check(replay, {});
    replay.pass(0.001);
    check(replay,
          {"E RUNNING from STARTING pid:7",
           "INFO success: p entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)"});
    CHECK(replay.loop.idle());
}

TEST_CASE("startsecs=0: RUNNING at once, an end at any time is an exit") {
    auto s = settings();
    s.start_secs = 0;
    s.autorestart = Autorestart::No;
    Replay replay(s);
    replay.p().start();
    replay.take();
    replay.spawned();
    check(replay,
          {"INFO spawned: 'p' with pid 100", "E RUNNING from STARTING pid:100",
           "INFO success: p entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)"});
    replay.ended(Replay::code(127));
    check(replay,
          {"E EXITED from RUNNING expected:0", "WARN exited: p (exit status 127; not expected)", "ACK"});
    CHECK(replay.p().spawn_error_text() == "Bad exit code 127");
}

TEST_CASE("a program that always fails: N + 1 tries, one second more each time, then FATAL") {
    Replay replay(settings());
    replay.p().start();
    replay.take();
    for (int i = 1; i <= 3; ++i) {
        replay.spawned();
        replay.ended(Replay::code(1));
        check(replay, {"INFO spawned: 'p' with pid 100", "E BACKOFF from STARTING tries:" + std::to_string(i),
                       "WARN exited: p (exit status 1; not expected)", "ACK"});
        CHECK(!replay.p().exit_status());
        replay.pass(i - 0.01);
        check(replay, {});
        replay.pass(0.01);
        check(replay, {"E STARTING from BACKOFF tries:" + std::to_string(i), "SPAWN"});
    }
    replay.spawned();
    replay.ended(0);  // an expected status does not help
    check(replay, {"INFO spawned: 'p' with pid 100", "E BACKOFF from STARTING tries:4",
                   "WARN exited: p (exit status 0; not expected)", "ACK", "E FATAL from BACKOFF",
                   "INFO gave up: p entered FATAL state, too many start retries too quickly"});
    CHECK(replay.p().spawn_error_text() == "Exited too quickly (process log may have details)");
    replay.p().start();
    check(replay, {"E STARTING from FATAL tries:0", "SPAWN"});
}

TEST_CASE("a missing command: spawnerr before the event") {
    auto s = settings();
    s.start_retries = 0;
    Replay replay(s);
    replay.p().start();
    replay.take();
    replay.failed(Stage::CommandNotFound, ENOENT, kAbsent);
    check(replay, {"INFO spawnerr: can't find command 'prog'", "E BACKOFF from STARTING tries:1",
                   "E FATAL from BACKOFF",
                   "INFO gave up: p entered FATAL state, too many start retries too quickly"});
}

TEST_CASE("whatever fails in a start: a line, BACKOFF, FATAL, and nothing is left") {
    for (Stage stage :
         {Stage::CommandEmpty, Stage::CommandQuote, Stage::CommandEscape, Stage::CommandNotFound,
          Stage::CommandDirectory, Stage::CommandNotExecutable, Stage::CommandPermission, Stage::Pipes,
          Stage::LogRule, Stage::FcgiSocket, Stage::Fork}) {
        CAPTURE(static_cast<int>(stage));
        auto s = settings();
        s.start_retries = 1;
        Replay replay(s);
        replay.p().start();
        replay.take();
        for (int tries = 1; tries <= 2; ++tries) {
            replay.failed(stage, EMFILE, 0);
            Seen seen = replay.take();
            REQUIRE(seen.size() >= 2);
            CHECK(seen[0].substr(0, 15) == "INFO spawnerr: ");
            CHECK(seen[0].size() > 20);
            CHECK(seen[1] == "E BACKOFF from STARTING tries:" + std::to_string(tries));
            CHECK(!replay.p().spawn_error_text().empty());
            CHECK(replay.p().pid() == 0);
            if (tries == 1) {
                replay.pass(1);
                check(replay, {"E STARTING from BACKOFF tries:1", "SPAWN"});
            }
        }
        CHECK(replay.state() == "FATAL");
        CHECK(replay.loop.idle());
    }
}

TEST_CASE("texts of failed starts") {
    CommandText names{"p", "it's", "it's", {"/no/it's"}, "", {"/o", "/e"}};
    auto text = [&](Stage stage, int error, std::uint32_t candidate = 0) {
        return spawn_error_text({SpawnTrouble::NotStarted, stage, error, candidate}, names);
    };
    CHECK(text(Stage::CommandEmpty, 0) == "command is empty");
    CHECK(text(Stage::CommandQuote, 0) == "can't parse command \"it's\": No closing quotation");
    CHECK(text(Stage::CommandEscape, 0) == "can't parse command \"it's\": No escaped character");
    CHECK(text(Stage::CommandNotFound, 0) == "can't find command \"it's\"");
    CHECK(text(Stage::CommandDirectory, 0) == "command at \"/no/it's\" is a directory");
    CHECK(text(Stage::CommandNotExecutable, 0) == "command at \"/no/it's\" is not executable");
    CHECK(text(Stage::CommandPermission, EACCES) == "no permission to run command \"/no/it's\"");
    CHECK(text(Stage::Pipes, EMFILE) == "too many open files to spawn 'p'");
    CHECK(text(Stage::Pipes, EACCES, kAbsent) == "unknown error making dispatchers for 'p': EACCES");
    CHECK(text(Stage::Pipes, EACCES, 0) == "unknown error making dispatchers for 'p': EACCES (/o)");
    CHECK(text(Stage::LogRule, ELOOP, 1).starts_with("the log file /e of 'p' is not opened: it must be "));
    CHECK(text(Stage::Fork, EAGAIN) == "Too many processes in process table to spawn 'p'");
    CHECK(text(Stage::Fork, ENOMEM) == "unknown error during fork for 'p': ENOMEM");
}

TEST_CASE("ends: expected, not expected, by a signal; and who is started again") {
    auto s = settings();
    s.exit_codes = {0, 2};
    SUBCASE("expected, default") {
        Replay replay(s);
        run(replay);
        replay.ended(Replay::code(2));
        check(replay,
              {"E EXITED from RUNNING expected:1", "INFO exited: p (exit status 2; expected)", "ACK"});
        CHECK(replay.p().spawn_error_text() == "");
    }
    SUBCASE("not expected, default: at once, before anything else") {
        Replay replay(s);
        run(replay);
        replay.ended(Replay::code(1));
        check(replay, {"E EXITED from RUNNING expected:0", "WARN exited: p (exit status 1; not expected)",
                       "ACK", "E STARTING from EXITED tries:0", "SPAWN"});
    }
    SUBCASE("expected, always") {
        s.autorestart = Autorestart::Yes;
        Replay replay(s);
        run(replay);
        replay.ended(0);
        check(replay, {"E EXITED from RUNNING expected:1", "INFO exited: p (exit status 0; expected)", "ACK",
                       "E STARTING from EXITED tries:0", "SPAWN"});
    }
    SUBCASE("by a signal, never") {
        s.autorestart = Autorestart::No;
        Replay replay(s);
        run(replay);
        replay.ended(9);
        check(replay, {"E EXITED from RUNNING expected:0",
                       "WARN exited: p (terminated by SIGKILL; not expected)", "ACK"});
        CHECK(replay.p().exit_status() == -1);
    }
    SUBCASE("not while supervisord stops") {
        Replay replay(s);
        run(replay);
        replay.running_mood = false;
        replay.ended(Replay::code(1));
        CHECK(replay.state() == "EXITED");
    }
}

TEST_CASE("an end that is seen late is judged by when it came") {
    Replay replay(settings());
    replay.p().start();
    replay.spawned();
    replay.take();
    replay.pass(0.9);
    replay.exited(Replay::code(1));  // its output is still being written
    replay.pass(0.5);
    check(replay, {});
    replay.p().on_drained(replay.p().serial());
    check(replay, {"E BACKOFF from STARTING tries:1", "WARN exited: p (exit status 1; not expected)", "ACK"});
}

TEST_CASE("the end of the output may be known before the end, or never") {
    Replay replay(settings());
    run(replay);
    SUBCASE("before") {
        replay.p().on_drained(replay.p().serial());
        replay.exited(0);
        CHECK(replay.state() == "EXITED");
    }
    SUBCASE("never") {
        replay.exited(0);
        replay.pass(0.99);
        CHECK(replay.state() == "RUNNING");
        replay.pass(0.02);
        CHECK(replay.state() == "EXITED");
    }
}

TEST_CASE("startsecs over, but not noticed before the end: RUNNING, then EXITED, no success") {
    Replay replay(settings());
    replay.p().start();
    replay.spawned();
    replay.take();
    replay.loop.now += 1'500'000;  // the timer had no chance
    replay.ended(0);
    check(replay, {"E RUNNING from STARTING pid:100", "E EXITED from RUNNING expected:1",
                   "INFO exited: p (exit status 0; expected)", "ACK"});
}

TEST_CASE("stop") {
    Replay replay(settings());
    run(replay);
    replay.p().stop();
    check(replay,
          {"DEBG killing p (pid 100) with signal SIGTERM", "E STOPPING from RUNNING pid:100", "KILL 15"});
    replay.p().stop();  // a second one does nothing
    check(replay, {});
    replay.ended(15);
    check(replay, {"E STOPPED from STOPPING pid:100", "WARN stopped: p (terminated by SIGTERM)", "ACK"});
    CHECK(replay.p().pid() == 0);
    CHECK(replay.loop.idle());
}

TEST_CASE("stop while starting, and with an expected status") {
    Replay replay(settings());
    replay.p().start();
    replay.spawned();
    replay.take();
    replay.p().stop();
    replay.ended(0);
    check(replay, {"DEBG killing p (pid 100) with signal SIGTERM", "E STOPPING from STARTING pid:100",
                   "KILL 15", "E STOPPED from STOPPING pid:100", "INFO stopped: p (exit status 0)", "ACK"});
}

TEST_CASE("stop before the spawner has been asked: there is no child, and there will be none") {
    Replay replay(settings());
    replay.spawn_waits = true;
    replay.p().start();
    replay.pass(3);
    replay.take();
    SUBCASE("by a client") { replay.p().stop(); }
    SUBCASE("with supervisord") { replay.p().abandon(); }
    check(replay, {"E STOPPING from STARTING pid:0", "E STOPPED from STOPPING pid:0"});
    CHECK(replay.p().stop_wall_us() == replay.loop.wall);
    CHECK(replay.loop.idle());
}

TEST_CASE("stop before the spawner has answered") {
    Replay replay(settings());
    replay.p().start();
    replay.take();
    replay.p().stop();
    check(replay, {});
    SUBCASE("the child is there after all") {
        replay.spawned();
        check(replay, {"INFO spawned: 'p' with pid 100", "DEBG killing p (pid 100) with signal SIGTERM",
                       "E STOPPING from STARTING pid:100", "KILL 15"});
    }
    SUBCASE("it could not be started") {
        replay.failed(Stage::Fork, EAGAIN);
        check(replay,
              {"INFO spawnerr: Too many processes in process table to spawn 'p'",
               "E BACKOFF from STARTING tries:1", "DEBG Attempted to kill p, which is in BACKOFF state.",
               "E STOPPED from BACKOFF pid:0"});
    }
}

TEST_CASE("SIGKILL after stopwaitsecs, again and again") {
    auto s = settings();
    s.stop_wait_secs = 2;
    s.stop_as_group = s.kill_as_group = true;
    Replay replay(s);
    run(replay);
    replay.p().stop();
    check(replay, {"DEBG killing p (pid 100) process group with signal SIGTERM",
                   "E STOPPING from RUNNING pid:100", "KILL 15 group"});
    for (int i = 0; i < 3; ++i) {
        replay.pass(1.99);
        check(replay, {});
        replay.pass(0.01);
        check(replay, {"WARN killing 'p' (100) with SIGKILL",
                       "DEBG killing p (pid 100) process group with signal SIGKILL", "KILL 9 group"});
    }
    replay.ended(9);
    check(replay, {"E STOPPED from STOPPING pid:100", "WARN stopped: p (terminated by SIGKILL)", "ACK"});
}

TEST_CASE("the wait for a stop is reported at once and then every two seconds") {
    Replay replay(settings());
    run(replay);
    replay.p().stop();
    replay.take();
    replay.p().report_waiting();
    check(replay, {"INFO waiting for p to stop"});
    replay.pass(1.9);
    replay.p().report_waiting();
    check(replay, {});
    replay.pass(0.1);
    replay.p().report_waiting();
    check(replay, {"INFO waiting for p to stop"});
}

TEST_CASE("a signal goes to the process alone, even if it is stopped as a group") {
    auto s = settings();
    s.stop_as_group = true;
    Replay replay(s);
    run(replay);
    replay.p().signal(1);
    check(replay, {"DEBG sending p (pid 100) sig SIGHUP", "KILL 1"});
}

TEST_CASE("stop in BACKOFF sends nothing and keeps the counter") {
    auto s = settings();
    s.start_retries = 10;
    Replay replay(s);
    replay.p().start();
    replay.spawned();
    replay.ended(Replay::code(4));
    replay.pass(1);
    replay.spawned();
    replay.ended(Replay::code(4));
    replay.take();
    replay.p().stop();
    check(replay, {"DEBG Attempted to kill p, which is in BACKOFF state.", "E STOPPED from BACKOFF pid:0"});
    replay.pass(60);
    check(replay, {});
    replay.p().start();
    replay.spawned();
    replay.ended(Replay::code(4));
    check(replay, {"E STARTING from STOPPED tries:2", "SPAWN", "INFO spawned: 'p' with pid 100",
                   "E BACKOFF from STARTING tries:3", "WARN exited: p (exit status 4; not expected)", "ACK"});
    replay.pass(2.99);
    check(replay, {});
    replay.pass(0.01);
    check(replay, {"E STARTING from BACKOFF tries:3", "SPAWN"});
}

TEST_CASE("start of a process that stops: it waits, then starts") {
    Replay replay(settings());
    run(replay);
    replay.p().stop();
    replay.take();
    replay.p().start();
    CHECK(replay.p().start_wanted());
    SUBCASE("and is started") {
        replay.ended(15);
        check(replay, {"E STOPPED from STOPPING pid:100", "WARN stopped: p (terminated by SIGTERM)", "ACK",
                       "E STARTING from STOPPED tries:0", "SPAWN"});
    }
    SUBCASE("unless it is stopped again") {
        replay.p().stop();
        replay.ended(15);
        CHECK(replay.state() == "STOPPED");
    }
    SUBCASE("unless supervisord stops") {
        replay.running_mood = false;
        replay.ended(15);
        CHECK(replay.state() == "STOPPED");
    }
}

TEST_CASE("supervisord stops: BACKOFF becomes FATAL without a line, nothing is retried") {
    Replay replay(settings());
    replay.p().start();
    replay.spawned();
    replay.ended(Replay::code(1));
    replay.take();
    replay.running_mood = false;
    replay.pass(5);
    check(replay, {});
    replay.p().abandon();
    check(replay, {"E FATAL from BACKOFF"});
}

TEST_CASE("kill fails") {
    Replay replay(settings());
    run(replay);
    replay.p().stop();
    replay.take();
    SUBCASE("no such process: the end is on its way") {
        CHECK(replay.p().on_kill_result(ESRCH, KillPurpose::Stop, 15) == "");
        check(replay,
              {"DEBG unable to signal p (pid 100), it probably just exited on its own: [Errno 3] No such "
               "process"});
        CHECK(replay.state() == "STOPPING");
    }
    SUBCASE("not permitted: UNKNOWN, until the child ends") {
        std::string told = replay.p().on_kill_result(EPERM, KillPurpose::Stop, 15);
        CHECK(told == "unknown problem killing p (100) with SIGTERM: [Errno 1] Operation not permitted");
        check(replay, {"CRIT " + told, "E UNKNOWN from STOPPING"});
        replay.pass(60);
        check(replay, {});
        replay.ended(0);
        check(replay, {"E STOPPED from UNKNOWN pid:100", "INFO stopped: p (exit status 0)", "ACK"});
    }
}

TEST_CASE("a jump of the wall clock changes nothing") {
    Replay replay(settings());
    replay.p().start();
    replay.spawned();
    replay.take();
    replay.loop.wall -= 3'600'000'000;
    replay.pass(0.5);
    check(replay, {});
    replay.loop.wall += 7'200'000'000;
    replay.pass(0.49);
    check(replay, {});
    replay.pass(0.02);
    CHECK(replay.state() == "RUNNING");
}

TEST_CASE("autostart happens once, and only if wanted") {
    auto s = settings();
    s.autostart = false;
    Replay replay(s);
    replay.p().start_if_due();
    check(replay, {});
    CHECK(replay.state() == "STOPPED");
}
