// A process with everything around it made up: a clock that moves when it is told to, timers on that clock, a
// spawner that notes what it is asked for, and one list in which events, log lines and requests stand in order.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "daemon/engine/process.hpp"

namespace replay {

using namespace reeve;

class FakeLoop : public Loop {
  public:
    std::uint64_t now = 1'000'000'000;
    std::int64_t wall_offset = 1'700'000'000'000'000;

    std::uint64_t monotonic_us() const override { return now; }
    std::int64_t wall_us() const override { return static_cast<std::int64_t>(now) + wall_offset; }
    std::unique_ptr<Timer> make_timer(std::function<void()> fire) override {
        return std::make_unique<FakeTimer>(*this, std::move(fire));
    }
    std::unique_ptr<Watch> make_watch(int, std::function<void(bool, bool)>) override { return nullptr; }

    // Lets time pass; timers fire at their moment.
    void pass(double seconds) {
        std::uint64_t end = now + static_cast<std::uint64_t>(seconds * 1e6 + 0.5);
        for (;;) {
            FakeTimer* next = nullptr;
            for (FakeTimer* timer : timers_) {
                if (timer->due != 0 && timer->due <= end && (next == nullptr || timer->due < next->due)) next = timer;
            }
            if (next == nullptr) break;
            now = std::max(now, next->due);
            next->due = 0;
            next->fire();
        }
        now = end;
    }
    std::size_t armed() const {
        return static_cast<std::size_t>(
            std::count_if(timers_.begin(), timers_.end(), [](const FakeTimer* timer) { return timer->due != 0; }));
    }

  private:
    struct FakeTimer : Timer {
        FakeTimer(FakeLoop& loop, std::function<void()> action) : owner(loop), fire(std::move(action)) {
            owner.timers_.push_back(this);
        }
        ~FakeTimer() override { std::erase(owner.timers_, this); }
        void start(std::uint64_t microseconds) override { due = owner.now + microseconds; }
        void stop() override { due = 0; }
        FakeLoop& owner;
        std::function<void()> fire;
        std::uint64_t due = 0;
    };
    std::vector<FakeTimer*> timers_;
};

class Replay : public ProcessPort, public Log {
  public:
    explicit Replay(ProcessSettings settings) { make(std::move(settings)); }

    FakeLoop loop;
    std::vector<std::string> seen;   // everything, in order
    bool running_mood = true;
    std::uint32_t next_serial = 1;
    NoteBody saved{};
    std::unique_ptr<Process> process;

    void make(ProcessSettings settings) { process = std::make_unique<Process>(std::move(settings), loop, *this, *this); }
    Process& p() { return *process; }
    std::string state() { return state_name(p().state()); }

    // What was seen since the last time this was asked.
    std::vector<std::string> take() { return std::exchange(seen, {}); }

    // The spawner's part.
    void spawned(std::uint32_t pid = 100) {
        SpawnedBody body{};
        body.pid = pid;
        body.start_us = static_cast<std::uint64_t>(loop.wall_us());
        body.start_mono_us = loop.now;
        p().on_spawned(body, next_serial++);
    }
    void failed(Stage stage, int error = 0, std::uint32_t candidate = 0) {
        p().on_spawn_failed(SpawnFailedBody{0, stage, error, candidate});
    }
    void exited(int status) {
        p().on_exited(ExitedBody{0, static_cast<std::uint32_t>(status), static_cast<std::uint64_t>(loop.wall_us())},
                      p().serial());
    }
    void ended(int status) {
        exited(status);
        p().on_drained(p().serial());
    }
    static constexpr int code(int exit_code) { return exit_code << 8; }

    // ProcessPort
    void spawn(Process&) override { seen.push_back("SPAWN"); }
    void kill(Process&, int signo, bool group, KillPurpose) override {
        seen.push_back("KILL " + std::to_string(signo) + (group ? " group" : ""));
    }
    void acknowledge_exit(Process&) override { seen.push_back("ACK"); }
    void save_note(Process& process_) override { pack_note(process_.note(), process_.pool_note, saved.note); }
    void on_state(Process& process_, ProcessState from) override {
        std::string text = std::string("E ") + state_name(process_.state()) + " from " + state_name(from);
        if (process_.state() == ProcessState::Starting || process_.state() == ProcessState::Backoff)
            text += " tries:" + std::to_string(process_.failures());
        if (process_.state() == ProcessState::Exited) text += process_.exit_expected() ? " expected:1" : " expected:0";
        if (process_.state() == ProcessState::Stopped || process_.state() == ProcessState::Running ||
            process_.state() == ProcessState::Stopping)
            text += " pid:" + std::to_string(process_.pid());
        seen.push_back(text);
    }
    void on_settled(Process&) override {}
    bool may_start() const override { return running_mood; }

    // Log
    bool wants(Level) const override { return true; }
    void line(Level level, std::string_view text) override {
        const char* names[] = {"DEBG ", "INFO ", "WARN ", "ERRO ", "CRIT "};
        seen.push_back(names[static_cast<int>(level) / 10 - 1] + std::string(text));
    }
};

inline ProcessSettings settings() {
    ProcessSettings made;
    made.text.process = "p";
    made.text.command = "prog";
    made.text.argv0 = "prog";
    made.text.candidates = {"/bin/prog"};
    made.group = "p";
    return made;
}

using Seen = std::vector<std::string>;

}  // namespace replay
