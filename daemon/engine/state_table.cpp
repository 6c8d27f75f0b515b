// The state table. See state_table.hpp; the actions and guards are in process.cpp and process_log.cpp.
#include "daemon/engine/state_table.hpp"

namespace reeve {

struct StateTable {
    using P = Process;
    using enum ProcessState;
    using E = ProcessEvent;

    // clang-format off
    static constexpr StateRow kRows[] = {
    // state     event           guard                  before                  next      after
    {Stopped,  E::Start,       nullptr,               &P::begin_attempt,      Starting, &P::request_spawn},
    {Exited,   E::Start,       nullptr,               &P::begin_attempt,      Starting, &P::request_spawn},
    {Fatal,    E::Start,       nullptr,               &P::begin_attempt,      Starting, &P::request_spawn},

    {Starting, E::Spawned,     nullptr,               nullptr,                Starting, &P::watch_child},
    {Starting, E::SpawnFailed, nullptr,               &P::count_failed_spawn, Backoff,  &P::plan_retry},
    {Starting, E::Deadline,    nullptr,               &P::forget_failures,    Running,  &P::report_success},
    {Starting, E::Exited,      &P::ended_too_quickly, &P::count_quick_exit,   Backoff,  &P::report_exit},
    {Starting, E::Exited,      nullptr,               &P::forget_failures,    Running,  nullptr},
    {Starting, E::Stop,        &P::is_spawn_pending,  &P::remember_stop,      Starting, nullptr},
    {Starting, E::Stop,        nullptr,               &P::begin_stop,         Stopping, &P::send_stop_signal},
    {Starting, E::Abandon,     &P::is_spawn_pending,  &P::remember_abandon,   Starting, nullptr},
    {Starting, E::Abandon,     nullptr,               &P::begin_stop,         Stopping, &P::send_stop_signal},
    {Starting, E::KillFailed,  nullptr,               &P::end_kill,           Unknown,  nullptr},
    {Starting, E::Cancelled,   nullptr,               nullptr,                Stopping, nullptr},

    {Running,  E::Exited,      nullptr,               &P::take_exit_status,   Exited,   &P::report_exit},
    {Running,  E::Stop,        nullptr,               &P::begin_stop,         Stopping, &P::send_stop_signal},
    {Running,  E::Abandon,     nullptr,               &P::begin_stop,         Stopping, &P::send_stop_signal},
    {Running,  E::KillFailed,  nullptr,               &P::end_kill,           Unknown,  nullptr},

    {Backoff,  E::Deadline,    &P::retries_used,      &P::forget_failures,    Fatal,    &P::report_giving_up},
    {Backoff,  E::Deadline,    &P::may_retry,         &P::begin_attempt,      Starting, &P::request_spawn},
    {Backoff,  E::Stop,        nullptr,               &P::cancel_retry,       Stopped,  nullptr},
    {Backoff,  E::Abandon,     nullptr,               &P::forget_failures,    Fatal,    nullptr},

    {Stopping, E::Exited,      nullptr,               &P::take_exit_status,   Stopped,  &P::report_stopped},
    {Stopping, E::Deadline,    nullptr,               nullptr,                Stopping, &P::send_sigkill},
    {Stopping, E::Start,       nullptr,               nullptr,                Stopping, &P::remember_start},
    {Stopping, E::Stop,        nullptr,               nullptr,                Stopping, &P::forget_start},
    {Stopping, E::Abandon,     nullptr,               nullptr,                Stopping, &P::forget_start},
    {Stopping, E::KillFailed,  nullptr,               &P::end_kill,           Unknown,  nullptr},
    {Stopping, E::Cancelled,   nullptr,               &P::end_start,          Stopped,  nullptr},

    // Nothing leads out of UNKNOWN but the end of the child.
    {Unknown,  E::Exited,      &P::was_stopping,      &P::take_exit_status,   Stopped,  &P::report_stopped},
    {Unknown,  E::Exited,      nullptr,               &P::take_exit_status,   Exited,   &P::report_exit},
    };
    // clang-format on

    static const StateRow* find(const Process& process, ProcessEvent event) {
        for (const StateRow& row : kRows) {
            if (row.state == process.state() && row.event == event &&
                (row.guard == nullptr || (process.*row.guard)())) {
                return &row;
            }
        }
        return nullptr;
    }
};

const StateRow* find_row(const Process& process, ProcessEvent event) {
    return StateTable::find(process, event);
}

}  // namespace reeve
