// One supervised process: requests, news, and what the state table's rows do. See process.hpp.
#include "daemon/engine/process.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "daemon/engine/state_table.hpp"

namespace reeve {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDrainWait = kSecond;          // for the last output of a child that has ended
constexpr std::int64_t kShortestKillPause = kSecond;  // between two SIGKILLs

}  // namespace

Process::Process(ProcessSettings settings, Loop& loop, Log& log, ProcessPort& port)
    : settings_(std::move(settings)),
      loop_(loop),
      log_(log),
      port_(port),
      deadline_(loop.make_timer([this] {
          deadline_us_ = 0;
          dispatch(ProcessEvent::Deadline);
      })),
      drain_wait_(loop.make_timer([this] { finish_exit(); })) {}

std::int64_t Process::uptime_us() const {
    return static_cast<std::int64_t>(loop_.monotonic_us()) - start_mono_us_;
}

bool Process::exit_expected() const {
    const auto& codes = settings_.exit_codes;
    return exit_status_ && std::find(codes.begin(), codes.end(), *exit_status_) != codes.end();
}

// ---- the machine ----------------------------------------------------------------------------------------

void Process::dispatch(ProcessEvent event) {
    std::optional<ProcessEvent> next = event;
    while (next) {
        const StateRow* row = find_row(*this, *next);
        if (row == nullptr) return;
        if (row->before != nullptr) (this->*row->before)();
        if (row->next != state_) enter(row->next);
        if (row->after != nullptr) (this->*row->after)();
        if (unsaved_) save_note();
        port_.on_settled(*this);
        next = follow_up();
    }
}

void Process::enter(ProcessState next) {
    ProcessState from = state_;
    state_ = next;
    unsaved_ = true;
    if (exit_to_report_ && next != ProcessState::Running) {
        // Before anybody is told: if the engine dies in between, its successor must not tell it again.
        handled_serial_ = serial_;
        save_note();
    }
    port_.on_state(*this, from);
}

void Process::save_note() {
    unsaved_ = false;
    port_.save_note(*this);
}

// What must happen next without anybody asking.
std::optional<ProcessEvent> Process::follow_up() {
    switch (state_) {
        case ProcessState::Starting:
            if (spawn_pending_) return std::nullopt;
            if (after_spawn_) return std::exchange(after_spawn_, std::nullopt);
            // Alive and nothing to wait for: startsecs=0.
            if (pid_ != 0 && !ending_ && settings_.start_secs <= 0) return ProcessEvent::Deadline;
            return std::nullopt;
        case ProcessState::Running:
            if (exit_to_report_) return ProcessEvent::Exited;
            return std::nullopt;
        case ProcessState::Stopping:
            if (pid_ == 0) return ProcessEvent::Cancelled;
            return std::nullopt;
        case ProcessState::Backoff:
            if (after_spawn_) return std::exchange(after_spawn_, std::nullopt);
            if (retries_used()) return ProcessEvent::Deadline;
            return std::nullopt;
        case ProcessState::Stopped:
            if (start_after_stop_) {
                start_after_stop_ = false;
                if (port_.may_start()) return ProcessEvent::Start;
                save_note();
            }
            return std::nullopt;
        case ProcessState::Exited:
            if (!port_.may_start()) return std::nullopt;
            if (settings_.autorestart == Autorestart::Yes ||
                (settings_.autorestart == Autorestart::Unexpected && !exit_expected())) {
                return ProcessEvent::Start;
            }
            return std::nullopt;
        default: return std::nullopt;
    }
}

void Process::start_if_due() {
    if (ending_) {
        finish_exit();  // of a former engine's time: its output is long written
    } else if (state_ == ProcessState::Starting && spawn_pending_) {
        // Asked for in a former engine's time, and the answer is lost: either it failed or nobody heard.
        // Asking again tells.
        if (port_.may_start()) return request_spawn();
        spawn_pending_ = false;
        dispatch(ProcessEvent::Cancelled);
    } else if (state_ == ProcessState::Stopped && settings_.autostart && start_wall_us_ == 0 &&
               !start_after_stop_) {
        if (port_.may_start()) dispatch(ProcessEvent::Start);
    } else if (std::optional<ProcessEvent> next = follow_up()) {
        dispatch(*next);
    }
}

void Process::signal(int signo) {
    log_sending(signo);
    port_.kill(*this, signo, false, KillPurpose::Signal);
}

void Process::arm_deadline(std::int64_t monotonic_us) {
    deadline_us_ = monotonic_us;
    std::int64_t now = static_cast<std::int64_t>(loop_.monotonic_us());
    deadline_->start(static_cast<std::uint64_t>(std::max<std::int64_t>(monotonic_us - now, 0)));
}

void Process::clear_deadline() {
    deadline_us_ = 0;
    deadline_->stop();
}

// ---- starting -------------------------------------------------------------------------------------------

void Process::begin_attempt() {
    clear_deadline();
    spawn_error_ = {};
    exit_status_.reset();
    stop_begun_ = false;
    start_wall_us_ = loop_.wall_us();
    spawn_pending_ = true;
}

void Process::request_spawn() {
    save_note();  // before the request: a live child always has a note that says STARTING
    port_.spawn(*this);
}

bool Process::cancel_start() {
    if (state_ != ProcessState::Starting || !spawn_pending_ || !port_.cancel_spawn(*this)) return false;
    spawn_pending_ = false;
    dispatch(ProcessEvent::Cancelled);
    return true;
}

void Process::on_spawned(const SpawnedBody& body, std::uint32_t serial) {
    if (!spawn_pending_) return;
    spawn_pending_ = false;
    pid_ = body.pid;
    serial_ = serial;
    start_wall_us_ = static_cast<std::int64_t>(body.start_us);
    start_mono_us_ = static_cast<std::int64_t>(body.start_mono_us);
    dispatch(ProcessEvent::Spawned);
}

void Process::on_spawn_failed(const SpawnFailedBody& body) {
    if (!spawn_pending_) return;
    spawn_pending_ = false;
    failed_ = body;
    dispatch(ProcessEvent::SpawnFailed);
}

bool Process::retries_used() const {
    return failures_ > static_cast<std::uint64_t>(std::max<std::int64_t>(settings_.start_retries, 0));
}

bool Process::may_retry() const { return port_.may_start(); }

void Process::plan_retry() {
    if (retries_used()) return;  // follow_up() gives up at once
    arm_deadline(static_cast<std::int64_t>(loop_.monotonic_us()) +
                 static_cast<std::int64_t>(failures_) * kSecond);
    save_note();
}

void Process::forget_failures() {
    clear_deadline();
    failures_ = 0;
}

// ---- the end of a child ---------------------------------------------------------------------------------

void Process::on_exited(const ExitedBody& body, std::uint32_t serial) {
    if (pid_ == 0 || serial != serial_ || ending_) return;
    bool too_quick =
        state_ == ProcessState::Starting &&
        static_cast<std::int64_t>(loop_.monotonic_us()) - start_mono_us_ < settings_.start_secs * kSecond;
    ending_ = Ending{body.wait_status, static_cast<std::int64_t>(body.end_us), too_quick};
    // From here on no deadline may decide anything: the child is gone.
    clear_deadline();
    if (drained_serial_ == serial) {
        finish_exit();
    } else {
        drain_wait_->start(static_cast<std::uint64_t>(kDrainWait));
    }
}

void Process::on_drained(std::uint32_t serial) {
    drained_serial_ = serial;  // the news come on two edges: this may be the first
    if (ending_ && serial == serial_) finish_exit();
}

bool Process::ended_too_quickly() const { return ending_ && ending_->too_quick; }

void Process::finish_exit() {
    if (!ending_) return;
    drain_wait_->stop();
    stop_wall_us_ = ending_->end_us != 0 ? ending_->end_us : loop_.wall_us();
    exit_to_report_ = true;
    dispatch(ProcessEvent::Exited);
}

void Process::take_exit_status() {
    clear_deadline();
    failures_ = state_ == ProcessState::Running ? 0 : failures_;
    int status = static_cast<int>(ending_->status);
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (state_ != ProcessState::Stopping && !stop_begun_ && !exit_expected()) {
        spawn_error_ = {SpawnTrouble::BadExit, Stage::None, *exit_status_, kAbsent};
    }
}

void Process::count_quick_exit() {
    exit_status_.reset();
    ++failures_;
    spawn_error_ = {SpawnTrouble::TooQuick, Stage::None, 0, kAbsent};
}

// The child is reported and forgotten; its slot is free for the next one.
void Process::end_child() {
    ending_.reset();
    exit_to_report_ = false;
    stop_begun_ = false;
    pid_ = 0;
    port_.acknowledge_exit(*this);
}

// ---- stopping -------------------------------------------------------------------------------------------

void Process::send_stop_signal() {
    last_report_us_ = 0;
    arm_deadline(static_cast<std::int64_t>(loop_.monotonic_us()) +
                 std::max<std::int64_t>(settings_.stop_wait_secs, 0) * kSecond);
    save_note();
    port_.kill(*this, settings_.stop_signal, settings_.stop_as_group, KillPurpose::Stop);
}

void Process::remember_stop() { after_spawn_ = ProcessEvent::Stop; }
void Process::remember_abandon() { after_spawn_ = ProcessEvent::Abandon; }

void Process::remember_start() {
    start_after_stop_ = true;
    save_note();
}

void Process::forget_start() {
    start_after_stop_ = false;
    save_note();
}

void Process::end_kill() { clear_deadline(); }
void Process::end_start() { stop_wall_us_ = loop_.wall_us(); }

std::int64_t Process::next_kill() const {
    return static_cast<std::int64_t>(loop_.monotonic_us()) +
           std::max(settings_.stop_wait_secs * kSecond, kShortestKillPause);
}

}  // namespace reeve
