// How a process is noted for the engine's successor, and taken up again after the engine died. See
// process.hpp.
#include <algorithm>
#include <cerrno>

#include "daemon/engine/process.hpp"

namespace reeve {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

std::uint8_t short_state(ProcessState state) {
    return static_cast<std::uint8_t>(static_cast<int>(state) / 10);
}

ProcessState long_state(std::uint8_t state) {
    using enum ProcessState;
    for (ProcessState known : {Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown}) {
        if (short_state(known) == state) return known;
    }
    return Stopped;
}

std::uint32_t seconds(std::int64_t wall_us) {
    return static_cast<std::uint32_t>(std::max<std::int64_t>(wall_us, 0) / kSecond);
}

}  // namespace

Note Process::note() const {
    Note note;
    note.state = short_state(state_);
    note.flags =
        static_cast<std::uint8_t>((start_after_stop_ ? kNoteStartAfter : 0) |
                                  (exit_status_ ? kNoteExitStatus : 0) | (stop_begun_ ? kNoteStopped : 0));
    note.trouble = static_cast<std::uint8_t>(static_cast<std::uint32_t>(spawn_error_.trouble) << 5 |
                                             static_cast<std::uint32_t>(spawn_error_.stage));
    note.exit_status = static_cast<std::int16_t>(exit_status_.value_or(0));
    note.candidate = static_cast<std::uint16_t>(std::min<std::uint32_t>(spawn_error_.candidate, 0xFFFF));
    note.error = static_cast<std::int16_t>(spawn_error_.error);
    note.failures = static_cast<std::uint16_t>(std::min<std::uint64_t>(failures_, 0xFFFF));
    note.handled_serial = handled_serial_;
    note.start_s = seconds(start_wall_us_);
    note.stop_s = seconds(stop_wall_us_);
    note.deadline_us = deadline_us_;
    return note;
}

void Process::resume(const SlotBody& slot, std::uint32_t serial) {
    Note note = unpack_note(slot.note);
    pool_note = unpack_pool_note(slot.note);
    if (note.version != 0) {
        state_ = long_state(note.state);
        failures_ = note.failures;
        handled_serial_ = note.handled_serial;
        start_wall_us_ = note.start_s * kSecond;
        stop_wall_us_ = note.stop_s * kSecond;
        start_after_stop_ = (note.flags & kNoteStartAfter) != 0;
        stop_begun_ = (note.flags & kNoteStopped) != 0;
        if ((note.flags & kNoteExitStatus) != 0) exit_status_ = note.exit_status;
        spawn_error_ = {static_cast<SpawnTrouble>(note.trouble >> 5), static_cast<Stage>(note.trouble & 31),
                        note.error, note.candidate == 0xFFFF ? kAbsent : note.candidate};
    }
    std::int64_t now = static_cast<std::int64_t>(loop_.monotonic_us());

    bool reported = slot.state == SlotState::Exited && serial == handled_serial_;
    if (slot.state == SlotState::Empty || reported) {
        if (reported) {
            serial_ = serial;
            port_.acknowledge_exit(*this);
        }
        stop_begun_ = false;
        if (state_ == ProcessState::Backoff) {
            arm_deadline(note.deadline_us != 0 ? note.deadline_us
                                               : now + static_cast<std::int64_t>(failures_) * kSecond);
        } else if (state_ == ProcessState::Starting) {
            spawn_pending_ = true;  // start_if_due() asks again
        } else if (is_signallable(state_) || state_ == ProcessState::Unknown) {
            state_ = ProcessState::Stopped;  // a note that fits no slot: nothing runs, so it is stopped
            save_note();
        }
        return;
    }

    // A child is there, or its end is still to be reported.
    pid_ = slot.pid;
    serial_ = serial;
    start_wall_us_ = static_cast<std::int64_t>(slot.start_us);
    start_mono_us_ = static_cast<std::int64_t>(slot.start_mono_us);
    if (slot.killed != 0) stop_begun_ = true;
    if (stop_begun_ && state_ != ProcessState::Unknown) state_ = ProcessState::Stopping;
    if (!is_signallable(state_) && state_ != ProcessState::Unknown) state_ = ProcessState::Starting;
    if (slot.state == SlotState::Exited) {
        on_exited(ExitedBody{slot.slot, slot.wait_status, slot.end_us}, serial);
        if (ending_ && slot.end_us != 0 && slot.end_us >= slot.start_us) {
            // It may have ended long before now, while nobody looked.
            ending_->too_quick =
                state_ == ProcessState::Starting &&
                static_cast<std::int64_t>(slot.end_us - slot.start_us) < settings_.start_secs * kSecond;
        }
    } else if (state_ == ProcessState::Starting) {
        arm_deadline(start_mono_us_ + std::max<std::int64_t>(settings_.start_secs, 0) * kSecond);
    } else if (state_ == ProcessState::Stopping) {
        arm_deadline(note.deadline_us != 0
                         ? note.deadline_us
                         : now + std::max<std::int64_t>(settings_.stop_wait_secs, 0) * kSecond);
        if (slot.killed == 0) {
            // The signal was announced, but may never have been sent. A second one does no harm.
            port_.kill(*this, settings_.stop_signal, settings_.stop_as_group, KillPurpose::Stop);
        }
    }
}

}  // namespace reeve
