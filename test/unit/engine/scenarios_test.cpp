// The scenarios that the behaviour of a process was described by, each as a test that bears its number: what
// happens at which second, with a program that lives as long as the scenario says.
//
// Elsewhere: 9, 10, 55, 57 and 26 (what becomes of real children) test/conformance lifecycle and
// test/blackbox log_trouble; 34 to 36 and 38 to 40 (more than one process) whole_test.cpp and
// test/conformance; 41 test/blackbox container; 42, 43 also test/blackbox clock; 44 to 48
// test/unit/logwriter; 49 to 53 test/unit/engine_events; 54 test/conformance fcgi; 56 test/unit/spawner
// (EMFILE); 58 test/conformance rpc. 5 was a race that is gone: an exit decides at once, whoever is idle (4).
#include <doctest/doctest.h>

#include <signal.h>

#include <cerrno>
#include <cstdio>

#include "replay.hpp"

using namespace replay;

namespace {

// Plays a program whose children all live the same time and end with the same status, and tells what happened
// as "0.00 text" lines: the log's, and the events as "E ...".
class Play {
  public:
    // life: seconds; < 0: until it is told to stop. deaf: that many signals have no effect.
    Play(ProcessSettings settings, double life, int status = 0)
        : replay_(settings), life_(life), status_(status) {}

    int deaf = 0;
    int kill_error = 0;
    Stage fails = Stage::None;

    void start() {
        act([this] { replay_.p().start(); });
    }
    void stop() {
        act([this] { replay_.p().stop(); });
    }
    void report() {
        act([this] { replay_.p().report_waiting(); });
    }
    void autostart() {
        act([this] { replay_.p().start_if_due(); });
    }
    void daemon_stops() {
        replay_.running_mood = false;
        act([this] { replay_.p().abandon(); });
    }
    void clock(double seconds) { replay_.loop.wall += static_cast<std::int64_t>(seconds * 1e6); }
    void kill(int status) {
        dies_at_ = 0;
        act([&] { replay_.ended(status); });
    }

    // Time passes, in steps of 10 ms.
    void pass(double seconds) {
        std::uint64_t end = replay_.loop.now + static_cast<std::uint64_t>(seconds * 1e6 + 0.5);
        while (replay_.loop.now < end) {
            if (dies_at_ != 0 && replay_.loop.now >= dies_at_) {
                dies_at_ = 0;
                act([this] { replay_.ended(status_); });
            }
            act([this] { replay_.loop.advance(10'000); });
        }
    }
    Process& p() { return replay_.p(); }
    std::string state() { return replay_.state(); }
    std::string told() { return std::exchange(told_, ""); }

  private:
    template <typename Deed>
    void act(Deed deed) {
        deed();
        // What is asked of the spawner happens at once, and may lead to more.
        for (bool any = true; any;) {
            any = false;
            for (const std::string& line : replay_.take()) {
                if (line == "SPAWN") {
                    any = true;
                    if (fails != Stage::None) {
                        replay_.failed(fails, ENOENT, fails == Stage::CommandNotFound ? kAbsent : 0);
                    } else {
                        replay_.spawned();
                        dies_at_ = life_ < 0 ? 0 : replay_.loop.now + static_cast<std::uint64_t>(life_ * 1e6);
                    }
                } else if (line.substr(0, 5) == "KILL ") {
                    any = true;
                    int signo = std::stoi(line.substr(5));
                    p().on_kill_result(kill_error, KillPurpose::Stop, signo);
                    if (kill_error != 0) continue;
                    if (deaf > 0) {
                        --deaf;
                    } else {
                        dies_at_ = 0;
                        replay_.ended(signo);
                    }
                } else if (line != "ACK") {
                    note(line);
                }
            }
        }
    }
    void note(const std::string& line) {
        char time[32];
        std::snprintf(time, sizeof time, "%.2f ", static_cast<double>(replay_.loop.now - begin_) / 1e6);
        told_ += time + line + "\n";
    }

    Replay replay_;
    double life_;
    int status_;
    std::uint64_t begin_ = replay_.loop.now;
    std::uint64_t dies_at_ = 0;
    std::string told_;
};

int code(int exit_code) { return Replay::code(exit_code); }

ProcessSettings with(std::int64_t start_secs, std::int64_t start_retries = 3,
                     Autorestart autorestart = Autorestart::Unexpected) {
    ProcessSettings made = settings();
    made.start_secs = start_secs;
    made.start_retries = start_retries;
    made.autorestart = autorestart;
    return made;
}

// A program that runs, of which nothing has been told yet.
void get_running(Play& play) {
    play.start();
    play.pass(1.5);
    play.told();
    REQUIRE(play.state() == "RUNNING");
}

const std::string kSpawned = "INFO spawned: 'p' with pid 100\n";
const std::string kGaveUp = "INFO gave up: p entered FATAL state, too many start retries too quickly\n";
const std::string kNotExpected1 = "WARN exited: p (exit status 1; not expected)\n";

std::string success(const char* seconds) {
    return std::string("INFO success: p entered RUNNING state, process has stayed up for > than ") + seconds +
           " seconds (startsecs)\n";
}

}  // namespace

TEST_CASE("scenarios 1 to 3: start, stop, start again") {
    Play play(settings(), -1);
    play.autostart();
    play.pass(2);
    CHECK(play.told() == "0.00 E STARTING from STOPPED tries:0\n0.00 " + kSpawned +
                             "1.00 E RUNNING from STARTING pid:100\n1.00 " + success("1"));
    play.stop();
    CHECK(play.told() ==
          "2.00 DEBG killing p (pid 100) with signal SIGTERM\n2.00 E STOPPING from RUNNING pid:100\n"
          "2.00 E STOPPED from STOPPING pid:100\n2.00 WARN stopped: p (terminated by SIGTERM)\n");
    play.start();
    play.pass(2);
    CHECK(play.told() == "2.00 E STARTING from STOPPED tries:0\n2.00 " + kSpawned +
                             "3.00 E RUNNING from STARTING pid:100\n3.00 " + success("1"));
}

TEST_CASE("scenarios 4 and 5: a program that fails is tried four times, after 1, 2 and 3 seconds") {
    Play play(settings(), 0, code(1));
    play.autostart();
    play.pass(20);
    std::string told;
    const char* times[] = {"0.00 ", "1.00 ", "3.00 ", "6.00 "};
    for (int i = 0; i < 4; ++i) {
        std::string n = std::to_string(i), at = times[i];
        told +=
            at + "E STARTING from " + (i == 0 ? "STOPPED" : "BACKOFF") + " tries:" + n + "\n" + at + kSpawned;
        told += at + "E BACKOFF from STARTING tries:" + std::to_string(i + 1) + "\n" + at + kNotExpected1;
    }
    CHECK(play.told() == told + "6.00 E FATAL from BACKOFF\n6.00 " + kGaveUp);
}

TEST_CASE("scenario 6: exit status 0 does not help") {
    Play play(with(1, 1), 0);
    play.start();
    play.pass(5);
    std::string exited = "WARN exited: p (exit status 0; not expected)\n";
    CHECK(play.told() == "0.00 E STARTING from STOPPED tries:0\n0.00 " + kSpawned +
                             "0.00 E BACKOFF from STARTING tries:1\n0.00 " + exited +
                             "1.00 E STARTING from BACKOFF tries:1\n1.00 " + kSpawned +
                             "1.00 E BACKOFF from STARTING tries:2\n1.00 " + exited +
                             "1.00 E FATAL from BACKOFF\n1.00 " + kGaveUp);
}

TEST_CASE("scenarios 7 and 8: a command that is not there") {
    Play play(with(1, 1), 0);
    play.fails = Stage::CommandNotFound;
    play.start();
    play.pass(5);
    std::string error = "INFO spawnerr: can't find command 'prog'\n";
    CHECK(play.told() ==
          "0.00 E STARTING from STOPPED tries:0\n0.00 " + error +
              "0.00 E BACKOFF from STARTING tries:1\n1.00 E STARTING from BACKOFF tries:1\n1.00 " + error +
              "1.00 E BACKOFF from STARTING tries:2\n1.00 E FATAL from BACKOFF\n1.00 " + kGaveUp);
    Play once(with(1, 0), 0);
    once.fails = Stage::CommandNotFound;
    once.start();
    CHECK(once.told() == "0.00 E STARTING from STOPPED tries:0\n0.00 " + error +
                             "0.00 E BACKOFF from STARTING tries:1\n0.00 E FATAL from BACKOFF\n0.00 " +
                             kGaveUp);
}

TEST_CASE("scenario 9: a directory that is not there is an early exit with 127") {
    Play play(with(1, 0), 0, code(127));
    play.start();
    play.pass(1);
    CHECK(play.told() ==
          "0.00 E STARTING from STOPPED tries:0\n0.00 " + kSpawned +
              "0.00 E BACKOFF from STARTING tries:1\n"
              "0.00 WARN exited: p (exit status 127; not expected)\n0.00 E FATAL from BACKOFF\n0.00 " +
              kGaveUp);
}

TEST_CASE("scenario 10: the same with startsecs=0 is EXITED") {
    Play play(with(0, 3, Autorestart::No), 0.01, code(127));
    play.start();
    play.pass(1);
    CHECK(play.state() == "EXITED");
    CHECK(play.p().spawn_error_text() == "Bad exit code 127");
}

TEST_CASE("scenarios 11 to 15: ends of a program that has run, and who is started again") {
    struct {
        int status;
        Autorestart autorestart;
        const char* line;
        bool again;
        const char* error;
    } rows[] = {
        {0, Autorestart::Unexpected, "INFO exited: p (exit status 0; expected)", false, ""},             // 11
        {1, Autorestart::Unexpected, "WARN exited: p (exit status 1; not expected)", true, ""},          // 12
        {2, Autorestart::Unexpected, "INFO exited: p (exit status 2; expected)", false, ""},             // 13
        {0, Autorestart::Yes, "INFO exited: p (exit status 0; expected)", true, ""},                     // 14
        {3, Autorestart::No, "WARN exited: p (exit status 3; not expected)", false, "Bad exit code 3"},  // 15
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        auto s = with(1, 3, row.autorestart);
        s.exit_codes = {0, 2};
        Play play(s, 2, code(row.status));
        play.start();
        play.pass(1.5);
        play.told();
        play.pass(1);
        bool expected = std::string(row.line).find("; expected") != std::string::npos;
        std::string told = std::string("2.00 E EXITED from RUNNING expected:") + (expected ? "1" : "0") +
                           "\n2.00 " + row.line + "\n";
        if (row.again) told += "2.00 E STARTING from EXITED tries:0\n2.00 " + kSpawned;
        CHECK(play.told() == told);
        CHECK(play.p().spawn_error_text() == row.error);
    }
}

TEST_CASE("scenarios 16 to 18: startsecs 0 and 5") {
    Play once(with(0, 3, Autorestart::No), 0);
    once.start();
    once.pass(1);
    CHECK(once.told() ==
          "0.00 E STARTING from STOPPED tries:0\n0.00 " + kSpawned +
              "0.00 E RUNNING from STARTING pid:100\n0.00 " + success("0") +
              "0.00 E EXITED from RUNNING expected:1\n0.00 INFO exited: p (exit status 0; expected)\n");
    Play zero(with(0), -1);
    zero.start();
    CHECK(zero.told() == "0.00 E STARTING from STOPPED tries:0\n0.00 " + kSpawned +
                             "0.00 E RUNNING from STARTING pid:100\n0.00 " + success("0"));
    Play five(with(5), -1);
    five.start();
    five.pass(6);
    CHECK(five.told() == "0.00 E STARTING from STOPPED tries:0\n0.00 " + kSpawned +
                             "5.00 E RUNNING from STARTING pid:100\n5.00 " + success("5"));
}

TEST_CASE("scenario 19: retries do not ask for autorestart") {
    Play play(with(1, 2, Autorestart::No), 0, code(1));
    play.start();
    play.pass(2.99);
    CHECK(play.state() == "BACKOFF");
    play.pass(1);
    CHECK(play.state() == "FATAL");
    CHECK(play.told().find("3.00 " + kGaveUp) != std::string::npos);
}

TEST_CASE("scenario 20: stop while starting") {
    Play play(with(5), -1);
    play.start();
    play.pass(0.5);
    play.told();
    play.stop();
    CHECK(play.told() ==
          "0.50 DEBG killing p (pid 100) with signal SIGTERM\n0.50 E STOPPING from STARTING pid:100\n"
          "0.50 E STOPPED from STOPPING pid:100\n0.50 WARN stopped: p (terminated by SIGTERM)\n");
}

TEST_CASE("scenario 21: stop in BACKOFF, and the counter that is kept") {
    Play play(with(1, 10), 0.3, code(4));
    play.start();
    play.pass(1.7);  // fails at 0.3, starts again at 1.3, fails at 1.6
    play.told();
    play.stop();
    CHECK(play.told() ==
          "1.70 DEBG Attempted to kill p, which is in BACKOFF state.\n1.70 E STOPPED from BACKOFF pid:0\n");
    play.pass(0.5);
    play.start();
    play.pass(4);
    CHECK(play.told() ==
          "2.20 E STARTING from STOPPED tries:2\n2.20 " + kSpawned +
              "2.50 E BACKOFF from STARTING tries:3\n2.50 WARN exited: p (exit status 4; not expected)\n"
              "5.50 E STARTING from BACKOFF tries:3\n5.50 " +
              kSpawned +
              "5.80 E BACKOFF from STARTING tries:4\n"
              "5.80 WARN exited: p (exit status 4; not expected)\n");
}

TEST_CASE("scenarios 22 and 23: SIGKILL after stopwaitsecs, with and without somebody who waits") {
    for (bool waits : {true, false}) {
        auto s = settings();
        s.stop_wait_secs = 3;
        Play play(s, -1);
        get_running(play);
        play.deaf = 1;
        play.stop();
        if (waits) play.report();
        play.pass(2);
        if (waits) play.report();
        play.pass(2);
        std::string waiting = "INFO waiting for p to stop\n";
        CHECK(play.told() ==
              "1.50 DEBG killing p (pid 100) with signal SIGTERM\n1.50 E STOPPING from RUNNING pid:100\n" +
                  (waits ? "1.50 " + waiting + "3.50 " + waiting : "") +
                  "4.50 WARN killing 'p' (100) with SIGKILL\n4.50 DEBG killing p (pid 100) with signal "
                  "SIGKILL\n"
                  "4.50 E STOPPED from STOPPING pid:100\n4.50 WARN stopped: p (terminated by SIGKILL)\n");
    }
}

TEST_CASE(
    "scenario 24, mended: a start of what is stopping waits; a second stop forgets it; a signal still "
    "arrives") {
    Play play(settings(), -1);
    get_running(play);
    play.deaf = 1;
    play.stop();
    play.start();
    play.stop();
    play.told();
    play.kill(SIGUSR1);
    CHECK(play.told() ==
          "1.50 E STOPPED from STOPPING pid:100\n1.50 WARN stopped: p (terminated by SIGUSR1)\n");
}

TEST_CASE("scenario 25: stopwaitsecs=0 kills at once, and not more than once a second") {
    auto s = settings();
    s.stop_wait_secs = 0;
    Play play(s, -1);
    get_running(play);
    play.deaf = 3;  // TERM and two KILLs
    play.stop();
    play.pass(3);
    std::string told = play.told();
    for (const char* at : {"1.51", "2.50", "3.50"})
        CHECK(told.find(std::string(at) + " WARN killing 'p' (100) with SIGKILL\n") != std::string::npos);
    CHECK(play.state() == "STOPPED");
}

TEST_CASE("scenario 26: signals to the group") {
    auto s = settings();
    s.stop_wait_secs = 2;
    s.kill_as_group = true;
    Play play(s, -1);
    get_running(play);
    play.deaf = 1;
    play.stop();
    play.pass(3);
    std::string told = play.told();
    CHECK(told.find("1.50 DEBG killing p (pid 100) with signal SIGTERM\n") != std::string::npos);
    CHECK(told.find("3.50 DEBG killing p (pid 100) process group with signal SIGKILL\n") !=
          std::string::npos);
}

TEST_CASE("scenario 27: SIGKILL without effect is sent again after stopwaitsecs") {
    auto s = settings();
    s.stop_wait_secs = 2;
    Play play(s, -1);
    get_running(play);
    play.deaf = 3;
    play.stop();
    play.pass(7);
    std::string told = play.told();
    for (const char* at : {"3.50", "5.50", "7.50"})
        CHECK(told.find(std::string(at) + " WARN killing 'p' (100) with SIGKILL\n") != std::string::npos);
    CHECK(told.find("E STOPPING") == told.rfind("E STOPPING"));
}

TEST_CASE("scenario 28: the child has just gone") {
    Play play(settings(), -1);
    get_running(play);
    play.kill_error = ESRCH;
    play.stop();
    CHECK(play.state() == "STOPPING");
    CHECK(play.told().find("DEBG unable to signal p (pid 100), it probably just exited on its own") !=
          std::string::npos);
    play.kill(0);
    CHECK(play.state() == "STOPPED");
}

TEST_CASE("scenario 29, mended: a child that cannot be signalled is UNKNOWN, and its end is its end") {
    Play play(settings(), -1);
    get_running(play);
    play.kill_error = EPERM;
    play.stop();
    CHECK(play.state() == "UNKNOWN");
    play.start();
    CHECK(play.state() == "UNKNOWN");
    play.pass(30);
    play.kill(SIGKILL);
    CHECK(play.state() == "STOPPED");
}

TEST_CASE("scenarios 30 and 31: killed from outside, by a fault, by a signal without a name") {
    struct {
        int status;
        const char* how;
    } rows[] = {{SIGKILL, "terminated by SIGKILL"},
                {SIGSEGV | 0x80, "terminated by SIGSEGV (core dumped)"},
                {35, "terminated by signal 35"}};
    for (const auto& row : rows) {
        Play play(settings(), -1);
        get_running(play);
        play.kill(row.status);
        CHECK(play.told() == std::string("1.50 E EXITED from RUNNING expected:0\n1.50 WARN exited: p (") +
                                 row.how + "; not expected)\n1.50 E STARTING from EXITED tries:0\n1.50 " +
                                 kSpawned);
    }
}

TEST_CASE("scenario 32: FATAL is left by a start only, and the counter begins anew") {
    Play play(with(1, 1), 0, code(1));
    play.start();
    play.pass(3);
    REQUIRE(play.state() == "FATAL");
    play.told();
    play.stop();
    CHECK(play.told() == "");
    play.start();
    CHECK(play.told().substr(0, 38) == "3.00 E STARTING from FATAL tries:0\n3.0");
    play.pass(3);
    CHECK(play.state() == "FATAL");
}

TEST_CASE("scenario 33: autostart=false waits for a start") {
    auto s = settings();
    s.autostart = false;
    Play play(s, -1);
    play.autostart();
    play.pass(5);
    CHECK(play.told() == "");
    CHECK(play.p().start_wall_us() == 0);
    play.start();
    CHECK(play.state() == "STARTING");
}

TEST_CASE("scenario 37: the end of supervisord finds a program in BACKOFF") {
    Play play(settings(), 0, code(1));
    play.start();
    play.pass(0.5);
    play.told();
    play.daemon_stops();
    play.pass(5);
    CHECK(play.told() == "0.50 E FATAL from BACKOFF\n");
}

TEST_CASE("scenarios 42 and 43, mended: the wall clock jumps, and every wait is as long as ever") {
    for (double jump : {-3600.0, 3600.0}) {
        CAPTURE(jump);
        Play starting(with(4), -1);
        starting.start();
        starting.pass(1);
        starting.clock(jump);
        starting.pass(2.9);
        CHECK(starting.state() == "STARTING");
        starting.pass(0.1);
        CHECK(starting.state() == "RUNNING");
        CHECK(starting.p().uptime_us() / 1'000'000 == 4);

        Play waiting(settings(), 0, code(1));
        waiting.start();
        waiting.pass(2);  // BACKOFF until 3
        waiting.clock(jump);
        waiting.pass(0.9);
        CHECK(waiting.state() == "BACKOFF");
        waiting.told();
        waiting.pass(0.2);
        CHECK(waiting.told().substr(0, 26) == "3.00 E STARTING from BACKO");

        auto s = settings();
        s.stop_wait_secs = 4;
        Play stopping(s, -1);
        get_running(stopping);
        stopping.deaf = 1;
        stopping.stop();
        stopping.pass(1);
        stopping.clock(jump);
        stopping.pass(2.9);
        CHECK(stopping.state() == "STOPPING");
        stopping.pass(0.2);
        CHECK(stopping.state() == "STOPPED");
    }
}
