// One supervised process: its state, its child, its deadlines.
//
// What happens in which state is the table in state_table.cpp; here are the things it is made of. A process
// knows no event loop and no socket: it asks its Port for what it needs, so the tests can replay whole lives
// with a clock of their own. Every interval is measured on the monotonic clock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/image.hpp"
#include "common/base/messages.hpp"
#include "daemon/engine/note.hpp"
#include "daemon/engine/process_state.hpp"
#include "daemon/engine/runtime.hpp"
#include "daemon/engine/spawn_error.hpp"

namespace reeve {

// What the configuration says about a process, as far as its life is concerned.
struct ProcessSettings {
    CommandText text;  // process is the name
    std::string group;
    bool autostart = true;
    Autorestart autorestart = Autorestart::Unexpected;
    bool stop_as_group = false;
    bool kill_as_group = false;
    int priority = 999;
    int stop_signal = 15;
    std::int64_t start_secs = 1;
    std::int64_t start_retries = 3;
    std::int64_t stop_wait_secs = 10;
    std::vector<std::int32_t> exit_codes{0};
};

class Process;

enum class KillPurpose { Stop, Escalation, Signal };

// What a process needs of the rest of the engine.
class ProcessPort {
  public:
    virtual ~ProcessPort() = default;
    virtual void spawn(Process& process) = 0;  // answered by on_spawned or on_spawn_failed
    // Takes that back if the spawner has not been asked yet. False: it has, and there will be an answer.
    virtual bool cancel_spawn(Process& process) = 0;
    virtual void kill(Process& process, int signo, bool to_group, KillPurpose purpose) = 0;  // on_kill_result
    virtual void acknowledge_exit(Process& process) = 0;
    virtual void save_note(Process& process) = 0;
    // The state has just changed; its log line comes afterwards.
    virtual void on_state(Process& process, ProcessState from) = 0;
    // One transition is complete, with its log lines. Another may follow at once.
    virtual void on_settled(Process& process) = 0;
    // False once the daemon is stopping.
    virtual bool may_start() const = 0;
};

enum class ProcessEvent : std::uint8_t {
    Start,    // a client's request, autostart, autorestart
    Stop,     // a client's request
    Abandon,  // supervisord is stopping
    Spawned,
    SpawnFailed,
    Exited,      // and all its output is written
    Deadline,    // startsecs are over; the next try is due; SIGKILL is due
    KillFailed,  // with another error than "no such process"
    Cancelled,   // there will be no child to stop
};

class Process {
  public:
    Process(ProcessSettings settings, Loop& loop, Log& log, ProcessPort& port);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    const ProcessSettings& settings() const { return settings_; }
    const std::string& name() const { return settings_.text.process; }
    ProcessState state() const { return state_; }
    std::uint32_t pid() const { return pid_; }        // 0: no child
    std::uint32_t serial() const { return serial_; }  // of the live or dying child
    std::uint64_t failures() const { return failures_; }
    bool stopping() const { return stop_begun_; }
    bool exit_expected() const;                                      // of the last exit status
    std::optional<int> exit_status() const { return exit_status_; }  // -1: by a signal
    const SpawnError& spawn_error() const { return spawn_error_; }
    std::string spawn_error_text() const { return reeve::spawn_error_text(spawn_error_, settings_.text); }
    std::int64_t start_wall_us() const { return start_wall_us_; }  // last attempt; 0: never
    std::int64_t stop_wall_us() const { return stop_wall_us_; }    // last end; 0: never
    std::int64_t uptime_us() const;                                // of the live child
    bool start_wanted() const { return start_after_stop_; }        // STOPPING, to be started again
    bool spawn_pending() const { return spawn_pending_; }          // no answer to the spawn request yet
    bool exit_pending() const { return ending_.has_value(); }      // its end is known, not yet all output

    // Requests. What a client is told is decided by the caller from the state before and after.
    void start() { dispatch(ProcessEvent::Start); }
    void stop() {
        if (!cancel_start()) dispatch(ProcessEvent::Stop);
    }
    void abandon() {
        if (!cancel_start()) dispatch(ProcessEvent::Abandon);
    }
    // Stops a process that the spawner has not been asked to start yet. False: there is nothing to cancel.
    bool cancel_start();
    void signal(int signo);  // to the child itself, whatever the state; needs a pid
    // Starts if the configuration says that it should run by itself (autostart, autorestart).
    void start_if_due();

    // News from the spawner and the log writer.
    void on_spawned(const SpawnedBody& body, std::uint32_t serial);
    void on_spawn_failed(const SpawnFailedBody& body);
    void on_exited(const ExitedBody& body, std::uint32_t serial);
    void on_drained(std::uint32_t serial);  // all output of that child is written
    // What a failed kill is told as, "" if there is nothing to tell.
    std::string on_kill_result(int error, KillPurpose purpose, int signo);

    // After an engine died: takes up what SLOT says. Follow with start_if_due() when all is there.
    void resume(const SlotBody& slot, std::uint32_t serial);

    // Logs that somebody waits for the stop: at the first call of a stop and then when 2 s have passed.
    void report_waiting();

    Note note() const;
    PoolNote pool_note{};  // the listener pool's half of the slot's note

  private:
    friend struct StateTable;
    struct Ending {
        std::uint32_t status;
        std::int64_t end_us;
        bool too_quick;
    };

    void dispatch(ProcessEvent event);
    std::optional<ProcessEvent> follow_up();
    void enter(ProcessState next);
    void save_note();
    void finish_exit();
    void arm_deadline(std::int64_t monotonic_us);
    void clear_deadline();
    void end_child();
    void log_killing(int signo, bool to_group);
    void log_sending(int signo);
    std::int64_t next_kill() const;

    // Guards of the table.
    bool ended_too_quickly() const;
    bool is_spawn_pending() const { return spawn_pending_; }
    bool retries_used() const;
    bool may_retry() const;
    bool was_stopping() const { return stop_begun_; }

    // Actions of the table.
    void begin_attempt();
    void request_spawn();
    void watch_child();
    void count_failed_spawn();
    void count_quick_exit();
    void plan_retry();
    void report_success();
    void take_exit_status();
    void report_exit();
    void report_stopped();
    void begin_stop();
    void send_stop_signal();
    void send_sigkill();
    void remember_stop();
    void remember_abandon();
    void remember_start();
    void forget_start();
    void cancel_retry();
    void forget_failures();
    void report_giving_up();
    void end_kill();
    void end_start();

    ProcessSettings settings_;
    Loop& loop_;
    Log& log_;
    ProcessPort& port_;

    ProcessState state_ = ProcessState::Stopped;
    std::uint32_t pid_ = 0;
    std::uint32_t serial_ = 0;
    std::uint32_t handled_serial_ = 0;  // of the last child that was reported
    std::uint32_t drained_serial_ = 0;  // of the last child whose output is known to be written
    std::uint64_t failures_ = 0;
    std::optional<int> exit_status_;
    SpawnError spawn_error_;
    std::int64_t start_wall_us_ = 0;
    std::int64_t start_mono_us_ = 0;
    std::int64_t stop_wall_us_ = 0;
    std::int64_t last_report_us_ = 0;  // of report_waiting(); 0: none in this stop
    std::int64_t deadline_us_ = 0;     // 0: none
    bool stop_begun_ = false;          // a stop signal was sent to this child
    bool spawn_pending_ = false;
    bool start_after_stop_ = false;
    std::optional<ProcessEvent> after_spawn_;  // a stop that came while the spawn was pending
    std::optional<Ending> ending_;
    SpawnFailedBody failed_{};     // for count_failed_spawn
    bool unsaved_ = false;         // the state has changed since the last note
    bool exit_to_report_ = false;  // the end of the child is known and handled, but not yet told

    std::unique_ptr<Timer> deadline_;
    std::unique_ptr<Timer> drain_wait_;
};

}  // namespace reeve
