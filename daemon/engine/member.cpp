// A process in its place: messages, notes, waiters. See member.hpp; its pipes are in member_pipes.cpp.
#include "daemon/engine/member.hpp"

#include <cstring>

#include "daemon/engine/group.hpp"

namespace reeve {

Member::Member(Surroundings& surroundings, Group& group, std::uint32_t index, std::uint32_t slot,
               ProcessSettings settings)
    : surroundings_(surroundings),
      group_(&group),
      index_(index),
      slot_(slot),
      process_(std::move(settings), surroundings.loop, surroundings.log, *this) {}

std::string Member::namespec() const {
    const std::string& group = process_.settings().group;
    return group == process_.name() ? group : group + ":" + process_.name();
}

// ---- those who wait -------------------------------------------------------------------------------------

void Member::note_change(Change change) {
    if (waiters_.empty()) return;
    changes_.push_back(std::move(change));
    surroundings_.changed(shared_from_this());
}

void Member::deliver_changes() {
    while (!changes_.empty()) {
        Change change = std::move(changes_.front());
        changes_.pop_front();
        // Whoever comes while we are at it has not been waiting for this change.
        std::vector<Waiter> waiters = std::exchange(waiters_, {});
        for (Waiter& waiter : waiters) {
            if (!waiter(change)) waiters_.push_back(std::move(waiter));
        }
    }
    if (!gone_) return;
    // The answers to these would find nobody at the slot any more.
    for (Check& check : std::exchange(checks_, {})) check.done(SpawnError());
    for (Kill& kill : std::exchange(kills_, {})) {
        if (kill.done) kill.done("");
    }
}

void Member::retire() {
    gone_ = true;
    note_change({.state = process_.state(), .gone = true});
    if (!checks_.empty() || !kills_.empty()) surroundings_.changed(shared_from_this());
}

// ---- requests -------------------------------------------------------------------------------------------

void Member::check(std::function<void(const SpawnError&)> done) {
    checks_.push_back({surroundings_.spawner.check(slot_), std::move(done)});
}

void Member::on_checked(const SpawnFailedBody& body, std::uint32_t request) {
    if (checks_.empty() || checks_.front().request != request) return;
    auto done = std::move(checks_.front().done);
    checks_.pop_front();
    SpawnError error;
    if (body.stage != Stage::None) error = {SpawnTrouble::NotStarted, body.stage, body.error, body.candidate};
    done(error);
}

void Member::signal(int signo, std::function<void(std::string)> done) {
    signal_done_ = std::move(done);
    process_.signal(signo);
}

// ---- what the process asks for --------------------------------------------------------------------------

void Member::spawn(Process&) { surroundings_.spawner.spawn(slot_); }
bool Member::cancel_spawn(Process&) { return surroundings_.spawner.cancel_spawn(slot_); }

void Member::kill(Process&, int signo, bool to_group, KillPurpose purpose) {
    std::uint32_t flags = (to_group ? kKillGroup : 0) | (purpose == KillPurpose::Stop ? kKillStop : 0);
    kills_.push_back({process_.serial(), purpose, std::exchange(signal_done_, nullptr)});
    surroundings_.spawner.kill(slot_, process_.serial(), signo, flags);
}

void Member::acknowledge_exit(Process&) {
    close_pipes();
    surroundings_.spawner.acknowledge_exit(slot_, process_.serial());
}

void Member::save_note(Process&) {
    NoteBody body{};
    body.slot = slot_;
    pack_note(process_.note(), process_.pool_note, body.note);
    surroundings_.spawner.note(body);
}

void Member::save_pool_note(const ListenerNote& note) {
    static_assert(sizeof note == kPoolNoteSize);
    std::memcpy(process_.pool_note.data(), &note, sizeof note);
    save_note(process_);
}

void Member::on_settled(Process&) {
    surroundings_.progressed();
    note_change({.state = process_.state(),
                 .spawn_pending = process_.spawn_pending(),
                 .start_follows = process_.start_wanted() && may_start()});
}

void Member::on_state(Process&, ProcessState from) {
    EventType type = EventType::ProcessStateUnknown;
    switch (process_.state()) {
        case ProcessState::Stopped: type = EventType::ProcessStateStopped; break;
        case ProcessState::Starting: type = EventType::ProcessStateStarting; break;
        case ProcessState::Running: type = EventType::ProcessStateRunning; break;
        case ProcessState::Backoff: type = EventType::ProcessStateBackoff; break;
        case ProcessState::Stopping: type = EventType::ProcessStateStopping; break;
        case ProcessState::Exited: type = EventType::ProcessStateExited; break;
        case ProcessState::Fatal: type = EventType::ProcessStateFatal; break;
        case ProcessState::Unknown: break;
    }
    if (surroundings_.events.wanted(type)) {
        StateDetails details{process_.failures(), process_.pid(), process_.exit_expected()};
        surroundings_.events.emit(type, state_payload(type, {process_.name(), process_.settings().group},
                                                      state_name(from), details));
    }
    ListenerPool* pool = group_->pool();
    if (pool != nullptr && process_.state() == ProcessState::Running) pool->on_running(index_);
}

// ---- news -----------------------------------------------------------------------------------------------

bool Member::on_spawned(const SpawnedBody& body, std::uint32_t serial, Received& received) {
    if (!process_.spawn_pending() || !take_pipes(body.fds, received)) return false;
    if (group_->pool() != nullptr) group_->pool()->on_spawned(index_);
    process_.on_spawned(body, serial);
    return true;
}

bool Member::on_spawn_failed(const SpawnFailedBody& body) {
    if (!process_.spawn_pending()) return false;
    process_.on_spawn_failed(body);
    return true;
}

void Member::on_exited(const ExitedBody& body, std::uint32_t serial) {
    if (process_.pid() == 0 || serial != process_.serial() || process_.exit_pending()) return;
    read_last_words();
    if (group_->pool() != nullptr) group_->pool()->on_exited(index_);
    process_.on_exited(body, serial);
}

bool Member::on_kill_result(const KillResultBody& body, std::uint32_t serial) {
    if (kills_.empty() || kills_.front().serial != serial) return false;
    Kill kill = std::move(kills_.front());
    kills_.pop_front();
    // Of a child that has been reported since: it is no longer there, and nothing follows from that.
    int error = serial == process_.serial() && process_.pid() != 0 ? body.error : 0;
    std::string failure = process_.on_kill_result(error, kill.purpose, static_cast<int>(body.signo));
    if (kill.purpose == KillPurpose::Stop || !failure.empty())
        note_change({.state = process_.state(), .kill_failure = failure});
    if (kill.done) kill.done(failure);
    return true;
}

bool Member::on_slot(const SlotBody& body, std::uint32_t serial, Received& received) {
    if (!take_pipes(body.fds, received)) return false;
    // The process first: the pool saves a note, which must be that of the state taken up.
    process_.resume(body, serial);
    if (ListenerPool* pool = group_->pool(); pool != nullptr) {
        ListenerNote note{};
        std::memcpy(&note, process_.pool_note.data(), sizeof note);
        if (body.state == SlotState::Empty) {
            pool->on_note(index_, note);
        } else {
            pool->on_resumed(index_, note);
        }
        if (body.state == SlotState::Exited) {
            read_last_words();
            pool->on_exited(index_);
        }
    }
    return true;
}

}  // namespace reeve
