// The log lines of a process's life, whose texts and levels people and scripts know. See process.hpp.
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "common/text/signals.hpp"
#include "daemon/engine/process.hpp"

namespace reeve {

void Process::watch_child() {
    log_.line(Level::Info, "spawned: '" + name() + "' with pid " + std::to_string(pid_));
    if (settings_.start_secs > 0) arm_deadline(start_mono_us_ + settings_.start_secs * 1'000'000);
}

void Process::count_failed_spawn() {
    ++failures_;
    spawn_error_ = {SpawnTrouble::NotStarted, failed_.stage, failed_.error, failed_.candidate};
    log_.line(Level::Info, "spawnerr: " + spawn_error_text());
}

void Process::report_success() {
    log_.line(Level::Info, "success: " + name() +
                               " entered RUNNING state, process has stayed up for > than " +
                               std::to_string(settings_.start_secs) + " seconds (startsecs)");
}

void Process::report_giving_up() {
    log_.line(Level::Info, "gave up: " + name() + " entered FATAL state, too many start retries too quickly");
}

void Process::report_exit() {
    bool expected = exit_expected();
    log_.line(expected ? Level::Info : Level::Warn, "exited: " + name() + " (" +
                                                        describe_exit(static_cast<int>(ending_->status)) +
                                                        (expected ? "; expected)" : "; not expected)"));
    end_child();
    if (state_ == ProcessState::Backoff) plan_retry();
}

void Process::report_stopped() {
    log_.line(exit_expected() ? Level::Info : Level::Warn,
              "stopped: " + name() + " (" + describe_exit(static_cast<int>(ending_->status)) + ")");
    end_child();
}

void Process::begin_stop() {
    stop_begun_ = true;
    log_killing(settings_.stop_signal, settings_.stop_as_group);
}

void Process::log_killing(int signo, bool to_group) {
    if (!log_.wants(Level::Debug)) return;
    log_.line(Level::Debug, "killing " + name() + " (pid " + std::to_string(pid_) + ")" +
                                (to_group ? " process group" : "") + " with signal " + signal_name(signo));
}

void Process::log_sending(int signo) {
    if (!log_.wants(Level::Debug)) return;
    log_.line(Level::Debug,
              "sending " + name() + " (pid " + std::to_string(pid_) + ") sig " + signal_name(signo));
}

void Process::send_sigkill() {
    log_.line(Level::Warn, "killing '" + name() + "' (" + std::to_string(pid_) + ") with SIGKILL");
    log_killing(SIGKILL, settings_.kill_as_group);
    arm_deadline(next_kill());
    save_note();
    port_.kill(*this, SIGKILL, settings_.kill_as_group, KillPurpose::Escalation);
}

void Process::cancel_retry() {
    clear_deadline();
    log_.line(Level::Debug, "Attempted to kill " + name() + ", which is in BACKOFF state.");
}

void Process::report_waiting() {
    if (state_ != ProcessState::Stopping) return;
    std::int64_t now = static_cast<std::int64_t>(loop_.monotonic_us());
    if (last_report_us_ != 0 && now - last_report_us_ < 2'000'000) return;
    last_report_us_ = now;
    log_.line(Level::Info, "waiting for " + name() + " to stop");
}

std::string Process::on_kill_result(int error, KillPurpose purpose, int signo) {
    if (error == 0) return "";
    std::string who = name() + " (pid " + std::to_string(pid_) + ")";
    std::string why = "[Errno " + std::to_string(error) + "] " + std::strerror(error);
    bool plain = purpose == KillPurpose::Signal;
    if (error == ESRCH) {
        log_.line(Level::Debug, "unable to signal " + who + ", it probably just " + (plain ? "now " : "") +
                                    "exited on its own: " + why);
        return "";
    }
    std::string text = std::string(plain ? "unknown problem sending sig " : "unknown problem killing ") +
                       name() + " (" + std::to_string(pid_) + ") with " + signal_name(signo) + ": " + why;
    log_.line(Level::Critical, text);
    if (!ending_) dispatch(ProcessEvent::KillFailed);
    return text;
}

}  // namespace reeve
