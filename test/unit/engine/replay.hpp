// A process with everything around it made up: a clock that moves when it is told to, timers on that clock, a
// spawner that notes what it is asked for, and one list in which events, log lines and requests stand in
// order.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "daemon/engine/process.hpp"
#include "test/unit/engine_events/fakes.hpp"

namespace replay {

using namespace reeve;

class Replay : public ProcessPort, public Log {
  public:
    explicit Replay(ProcessSettings settings) { make(std::move(settings)); }

    FakeLoop loop;
    std::vector<std::string> seen;  // everything, in order
    bool running_mood = true;
    bool spawn_waits = false;  // for its turn
    std::uint32_t next_serial = 1;
    NoteBody saved{};
    std::vector<NoteBody> saved_at;  // what was saved when each state was told
    std::unique_ptr<Process> process;

    void make(ProcessSettings settings) {
        process = std::make_unique<Process>(std::move(settings), loop, *this, *this);
    }
    Process& p() { return *process; }
    // Lets time pass; timers fire at their moment.
    void pass(double seconds) { loop.advance(static_cast<std::uint64_t>(seconds * 1e6 + 0.5)); }
    std::string state() { return state_name(p().state()); }

    // What was seen since the last time this was asked.
    std::vector<std::string> take() { return std::exchange(seen, {}); }

    // The spawner's part.
    void spawned(std::uint32_t pid = 100) {
        SpawnedBody body{};
        body.pid = pid;
        body.start_us = static_cast<std::uint64_t>(loop.wall);
        body.start_mono_us = loop.now;
        p().on_spawned(body, next_serial++);
    }
    void failed(Stage stage, int error = 0, std::uint32_t candidate = 0) {
        p().on_spawn_failed(SpawnFailedBody{0, stage, error, candidate});
    }
    void exited(int status) {
        p().on_exited(
            ExitedBody{0, static_cast<std::uint32_t>(status), static_cast<std::uint64_t>(loop.wall)},
            p().serial());
    }
    void ended(int status) {
        exited(status);
        p().on_drained(p().serial());
    }
    static constexpr int code(int exit_code) { return exit_code << 8; }

    // ProcessPort
    void spawn(Process&) override { seen.push_back("SPAWN"); }
    bool cancel_spawn(Process&) override { return spawn_waits; }
    void kill(Process&, int signo, bool group, KillPurpose) override {
        seen.push_back("KILL " + std::to_string(signo) + (group ? " group" : ""));
    }
    void acknowledge_exit(Process&) override { seen.push_back("ACK"); }
    void save_note(Process& process_) override { pack_note(process_.note(), process_.pool_note, saved.note); }
    void on_state(Process& process_, ProcessState from) override {
        std::string text = std::string("E ") + state_name(process_.state()) + " from " + state_name(from);
        if (process_.state() == ProcessState::Starting || process_.state() == ProcessState::Backoff)
            text += " tries:" + std::to_string(process_.failures());
        if (process_.state() == ProcessState::Exited)
            text += process_.exit_expected() ? " expected:1" : " expected:0";
        if (process_.state() == ProcessState::Stopped || process_.state() == ProcessState::Running ||
            process_.state() == ProcessState::Stopping)
            text += " pid:" + std::to_string(process_.pid());
        seen.push_back(text);
        saved_at.push_back(saved);
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
