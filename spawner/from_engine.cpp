// The engine's requests. See from_engine.hpp.
#include "spawner/from_engine.hpp"

#include <algorithm>
#include <cstring>

#include "common/base/spawn_limit.hpp"
#include "spawner/child_end.hpp"
#include "spawner/child_start.hpp"
#include "spawner/confread_run.hpp"
#include "spawner/finish.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kSpawn = 1000;  // what a SPAWN adds to the debt

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

// ---- requests about an active slot ----

const char* on_spawn(State& state, Slot& slot) {
    if (slot.state != SlotState::Empty) return "sent SPAWN of a slot in use";
    state.spawn_debt += kSpawn;
    start_child(state, slot);
    return nullptr;
}

const char* on_check(State& state, Slot& slot, const Message& message) {
    StartResult result = check_command(state, slot);
    SpawnFailedBody body{slot.slot, result.stage, result.error, result.candidate};
    answer(state.engine, Msg::CHECKED, message.serial, body);
    return nullptr;
}

const char* on_kill(State& state, Slot& slot, const Message& message) {
    auto body = message.as<KillBody>();
    if (slot.state == SlotState::Empty || slot.serial != message.serial)
        return "sent KILL with a stale serial";
    if (body.signo > 64) return "sent KILL with a signal that there is not";
    if ((body.flags & ~(kKillGroup | kKillStop)) != 0) return "sent KILL with unknown flags";
    // If it has just died, which the engine cannot know yet, the answer is ESRCH.
    int error = kill_child(slot, static_cast<int>(body.signo), (body.flags & kKillGroup) != 0);
    if (slot.state == SlotState::Live && (body.flags & kKillStop) != 0) slot.killed = 1;
    answer(state.engine, Msg::KILL_RESULT, message.serial, KillResultBody{slot.slot, body.signo, error, 0});
    return nullptr;
}

const char* on_ack_exit(State& state, Slot& slot, const Message& message) {
    if (slot.state != SlotState::Exited || slot.serial != message.serial)
        return "sent ACK_EXIT without such an exit";
    forget_child(state, slot);
    return nullptr;
}

const char* on_note(Slot& slot, const NoteBody& body) {
    std::memcpy(slot.note, body.note, sizeof slot.note);
    return nullptr;
}

// The bodies of all these begin with the slot's number.
const char* on_slot_request(State& state, const Message& message) {
    std::uint32_t number = kNoSlot;
    std::memcpy(&number, message.body.data(), sizeof number);
    Slot* slot = state.table.find(number);
    if (slot == nullptr) return "sent a request for a slot that is not active";
    switch (message.type) {
        case Msg::SPAWN: return on_spawn(state, *slot);
        case Msg::CHECK: return on_check(state, *slot, message);
        case Msg::KILL: return on_kill(state, *slot, message);
        case Msg::ACK_EXIT: return on_ack_exit(state, *slot, message);
        default: return on_note(*slot, message.as<NoteBody>());
    }
}

// ---- requests about the daemon ----

const char* on_stopping(State& state, const StoppingBody& body) {
    if (body.mode > FinishMode::Restart) return "sent STOPPING with an unknown mode";
    // An exit is not taken back: the engine may have been told a TERM that it had not read when it said this.
    if (state.stopping == kHelloStopping) return nullptr;
    state.stopping = body.mode == FinishMode::Exit ? kHelloStopping : kHelloRestarting;
    return nullptr;
}

const char* on_finish(State& state, const FinishBody& body) {
    if (body.mode > FinishMode::Restart || body.zero != 0) return "sent FINISH with an unknown mode";
    if (children_in_reach(state)) return "sent FINISH while children live";
    state.life.carry = body.carry;
    begin_finish(state, state.stopping == kHelloStopping ? FinishMode::Exit : body.mode);
    return nullptr;
}

}  // namespace

const char* on_engine_message(State& state, const Message& message) {
    if (!state.engine.may_speak) return "sent a message before it was told everything";
    if (!state.engine.ready && message.type != Msg::READY) return "sent a message before READY";
    switch (message.type) {
        case Msg::READY: return on_ready(state);
        case Msg::RELOAD: return on_reload(state, message);
        case Msg::ACTIVATE: return state.table.activate(message.as<GroupBody>());
        case Msg::DEACTIVATE: return state.table.deactivate(message.as<GroupBody>());
        case Msg::SPAWN:
        case Msg::CHECK:
        case Msg::KILL:
        case Msg::ACK_EXIT:
        case Msg::NOTE: return on_slot_request(state, message);
        case Msg::STOPPING: return on_stopping(state, message.as<StoppingBody>());
        case Msg::FINISH: return on_finish(state, message.as<FinishBody>());
        default: return "sent a message that is not the engine's";
    }
}

bool spawn_allowed(State& state, std::uint64_t now, std::uint64_t& when) {
    std::uint64_t slots = state.table.active_slots();
    std::uint64_t most = spawn_burst(slots) * kSpawn;
    std::uint64_t paid = spawns_a_second(slots);  // thousandths a second are so many a millisecond
    state.spawn_debt -= std::min(state.spawn_debt, (now - state.spawn_debt_at) * paid);
    state.spawn_debt_at = now;
    if (state.spawn_debt + kSpawn <= most) return true;
    when = std::min(when, now + (state.spawn_debt + kSpawn - most) / paid + 1);
    return false;
}

}  // namespace reeve
