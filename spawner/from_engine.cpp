// The engine's requests. See from_engine.hpp.
#include "spawner/from_engine.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/spawn_limit.hpp"
#include "spawner/child_end.hpp"
#include "spawner/child_start.hpp"
#include "spawner/confread_run.hpp"
#include "spawner/finish.hpp"
#include "spawner/logfile.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kToken = 1000;  // thousandths

const char* on_ready(State& state) {
    if (state.engine.ready) return "sent READY for the second time";
    state.engine.ready = true;
    return nullptr;
}

const char* on_reload(State& state, const Message& message) {
    if (state.reread.wanted) return "sent RELOAD while one is open";
    begin_reread(state, message.serial);
    return nullptr;
}

const char* on_activate(State& state, const GroupBody& body) {
    if (const char* wrong = state.table.activate(body)) return wrong;
    create_auto_logs(state, body);
    return nullptr;
}

const char* on_spawn(State& state, const SpawnBody& body) {
    Slot* slot = state.table.find(body.slot);
    if (slot == nullptr) return "sent SPAWN of a slot that is not active";
    if (slot->state != SlotState::Empty) return "sent SPAWN of a slot in use";
    state.spawn_tokens -= std::min(state.spawn_tokens, kToken);
    start_child(state, *slot);
    return nullptr;
}

const char* on_check(State& state, const Message& message) {
    Slot* slot = state.table.find(message.as<CheckBody>().slot);
    if (slot == nullptr) return "sent CHECK of a slot that is not active";
    StartResult result = check_command(state, *slot);
    SpawnFailedBody body{message.as<CheckBody>().slot, result.stage, result.error, result.candidate};
    answer(state.engine, Msg::CHECKED, message.serial, body);
    return nullptr;
}

const char* on_kill(State& state, const Message& message) {
    auto body = message.as<KillBody>();
    Slot* slot = state.table.find(body.slot);
    if (slot == nullptr) return "sent KILL of a slot that is not active";
    if (slot->state == SlotState::Empty || slot->serial != message.serial)
        return "sent KILL with a stale serial";
    if (body.signo > 64) return "sent KILL with a signal that there is not";
    if ((body.flags & ~(kKillGroup | kKillStop)) != 0) return "sent KILL with unknown flags";
    KillResultBody result{body.slot, body.signo, 0, 0};
    if (slot->state == SlotState::Exited) {
        result.error = ESRCH;  // it has just died, which the engine cannot know yet
    } else {
        result.error = kill_child(*slot, static_cast<int>(body.signo), (body.flags & kKillGroup) != 0);
        if ((body.flags & kKillStop) != 0) slot->stop_signalled = true;
    }
    answer(state.engine, Msg::KILL_RESULT, message.serial, result);
    return nullptr;
}

const char* on_ack_exit(State& state, const Message& message) {
    Slot* slot = state.table.find(message.as<AckExitBody>().slot);
    if (slot == nullptr || slot->state != SlotState::Exited || slot->serial != message.serial)
        return "sent ACK_EXIT without such an exit";
    forget_child(state, *slot);
    return nullptr;
}

const char* on_note(State& state, const NoteBody& body) {
    Slot* slot = state.table.find(body.slot);
    if (slot == nullptr) return "sent NOTE for a slot that is not active";
    std::memcpy(slot->note.data(), body.note, slot->note.size());
    return nullptr;
}

const char* on_stopping(State& state, const StoppingBody& body) {
    if (body.mode > FinishMode::Restart) return "sent STOPPING with an unknown mode";
    state.stopping = body.mode == FinishMode::Exit ? kHelloStopping : kHelloRestarting;
    return nullptr;
}

const char* on_finish(State& state, const FinishBody& body) {
    if (body.mode > FinishMode::Restart || body.zero != 0) return "sent FINISH with an unknown mode";
    if (children_in_reach(state)) return "sent FINISH while children live";
    state.carry = body.carry;
    begin_finish(state, body.mode);
    return nullptr;
}

}  // namespace

const char* on_engine_message(State& state, const Message& message) {
    if (!state.engine.may_speak()) return "sent a message before it was told everything";
    if (!state.engine.ready && message.type != Msg::READY) return "sent a message before READY";
    switch (message.type) {
        case Msg::READY: return on_ready(state);
        case Msg::RELOAD: return on_reload(state, message);
        case Msg::ACTIVATE: return on_activate(state, message.as<GroupBody>());
        case Msg::DEACTIVATE: return state.table.deactivate(message.as<GroupBody>());
        case Msg::SPAWN: return on_spawn(state, message.as<SpawnBody>());
        case Msg::CHECK: return on_check(state, message);
        case Msg::KILL: return on_kill(state, message);
        case Msg::ACK_EXIT: return on_ack_exit(state, message);
        case Msg::NOTE: return on_note(state, message.as<NoteBody>());
        case Msg::STOPPING: return on_stopping(state, message.as<StoppingBody>());
        case Msg::FINISH: return on_finish(state, message.as<FinishBody>());
        default: return "sent a message that is not the engine's";
    }
}

bool spawn_allowed(State& state, std::uint64_t now, std::uint64_t& when) {
    std::uint64_t slots = state.table.active_slots();
    std::uint64_t burst = spawn_burst(slots) * kToken;
    std::uint64_t per_second = spawns_a_second(slots);  // so many thousandths a millisecond
    // When the table grows, so do the tokens: all programs of a large configuration start at once.
    if (burst > state.spawn_burst) {
        state.spawn_tokens += burst - state.spawn_burst;
        state.spawn_burst = burst;
    }
    state.spawn_tokens = std::min(burst, state.spawn_tokens + (now - state.tokens_at) * per_second);
    state.tokens_at = now;
    if (state.spawn_tokens >= kToken) return true;
    when = std::min(when, now + (kToken - state.spawn_tokens) / per_second + 1);
    return false;
}

}  // namespace reeve
