// What a listener pool notes for the engine's successor, and how that one takes up its listeners. See
// listener_pool.hpp.
//
// A note follows what it tells of: an engine that dies between a write and its note makes the successor count
// one event more as lost than there were, never one less.
#include <algorithm>
#include <cstring>
#include <utility>

#include "daemon/engine/listener_pool.hpp"

namespace reeve {

void ListenerPool::save(std::uint32_t index) {
    Member& member = members_[index];
    ListenerProgress progress = member.protocol.progress();
    ListenerNote note{};
    note.state = static_cast<std::uint8_t>(member.protocol.state());
    note.flags = member.half_sent ? ListenerNote::kHalfSent : std::uint8_t{0};
    note.progress_flags = progress.flags;
    note.kept_size = progress.size;
    note.buffered = index == 0 ? static_cast<std::uint32_t>(buffer_.size()) : 0;
    note.next_serial = bus_.next_serial();
    note.next_pool_serial = next_pool_serial_;
    std::copy(std::begin(progress.kept), std::end(progress.kept), note.kept);
    if ((progress.flags & ListenerProgress::kInResult) != 0) {
        std::memcpy(note.kept, &progress.result_left, sizeof progress.result_left);
    }
    if (note == member.saved) return;
    member.saved = note;
    host_.save_note(index, note);
}

void ListenerPool::on_note(std::uint32_t index, const ListenerNote& note) {
    continue_from(index, note);
    dispatch();
}

void ListenerPool::continue_from(std::uint32_t index, const ListenerNote& note) {
    members_[index].saved = note;
    bus_.continue_from(note.next_serial);
    next_pool_serial_ = std::max(next_pool_serial_, note.next_pool_serial);
    if (note.buffered == 0) return;
    dropped_ += note.buffered;
    log_.line(Level::Warn, "pool " + config_.name + ": " + std::to_string(note.buffered) +
                               " buffered events were lost with the former engine");
}

void ListenerPool::on_resumed(std::uint32_t index, const ListenerNote& note) {
    continue_from(index, note);
    renew(index);
    Member& member = members_[index];

    ListenerProgress progress;
    progress.flags = note.progress_flags;
    if ((progress.flags & ListenerProgress::kInResult) != 0) {
        std::memcpy(&progress.result_left, note.kept, sizeof progress.result_left);
    } else {
        progress.size = note.kept_size;
        std::copy(std::begin(note.kept), std::end(note.kept), progress.kept);
    }
    ListenerState state = ListenerState::Acknowledged;
    if (note.state == static_cast<std::uint8_t>(ListenerState::Busy)) state = ListenerState::Busy;
    if (note.state == static_cast<std::uint8_t>(ListenerState::Unknown)) state = ListenerState::Unknown;

    if ((note.flags & ListenerNote::kHalfSent) != 0) {
        // The rest of the event is lost, so the listener cannot find the next one in its stdin.
        member.protocol.resume(ListenerState::Unknown, progress);
        member.former = true;
        lose_former(index, "was sent in part only");
        changed(index, state);
    } else {
        member.protocol.resume(state, progress);
    }
    if (member.protocol.state() == ListenerState::Busy) {
        member.former = true;
        member.waited_for = true;
        if (resume_timer_ == nullptr) resume_timer_ = loop_.make_timer([this] { on_resume_wait(); });
        resume_timer_->start(kResumeWait);
    }
    save(index);
    dispatch();
}

void ListenerPool::on_resume_wait() {
    for (std::uint32_t i = 0; i < members_.size(); ++i) {
        if (!std::exchange(members_[i].waited_for, false)) continue;
        lose_former(i, "was not answered");
        members_[i].protocol.resume(ListenerState::Ready, {});
        changed(i, ListenerState::Busy);
        save(i);
    }
    dispatch();
}

void ListenerPool::lose_former(std::uint32_t index, std::string_view why) {
    if (!std::exchange(members_[index].former, false)) return;
    ++dropped_;
    std::string text = config_.members[index] + ": an event of the former engine ";
    text += why;
    log_.line(Level::Warn, text + ", and is lost");
}

}  // namespace reeve
