// The edge to the spawner: the requests of the engine, each as one function. Answers come to the handler.
#pragma once

#include <cstdint>

#include "daemon/engine/link.hpp"
#include "daemon/engine/spawn_pace.hpp"

namespace reeve {

class SpawnerLink {
  public:
    // Nothing may be sent before READY; what resumed processes ask for while the slots are told waits for it.
    SpawnerLink(Loop& loop, LinkHandler& handler)
        : link_(loop, Edge::ES, Edge::SE, handler),
          pace_(loop, [this](std::uint32_t slot) { link_.send(Msg::SPAWN, 0, SpawnBody{slot}); }) {
        link_.hold();
    }

    void attach(UniqueFd fd) { link_.attach(std::move(fd)); }
    void ready() { link_.release(Msg::READY); }
    // Before ready(): what is done now is known to nobody if this engine dies.
    bool introducing() const { return link_.held(); }
    void reload(std::uint32_t request) { link_.send(Msg::RELOAD, request, Empty{}); }
    void activate(const GroupBody& body) { link_.send(Msg::ACTIVATE, 0, body); }
    void deactivate(const GroupBody& body) { link_.send(Msg::DEACTIVATE, 0, body); }
    // At once, or as soon as the spawner's limit allows.
    void spawn(std::uint32_t slot) { pace_.request(slot); }
    bool cancel_spawn(std::uint32_t slot) { return pace_.cancel(slot); }
    void active_slots(std::size_t count) { pace_.resize(count); }
    // The number that the answer will bear: it may come when the slot is somebody else's.
    std::uint32_t check(std::uint32_t slot) {
        link_.send(Msg::CHECK, ++last_check_, CheckBody{slot});
        return last_check_;
    }
    void kill(std::uint32_t slot, std::uint32_t serial, int signo, std::uint32_t flags) {
        link_.send(Msg::KILL, serial, KillBody{slot, static_cast<std::uint32_t>(signo), flags});
    }
    void acknowledge_exit(std::uint32_t slot, std::uint32_t serial) {
        link_.send(Msg::ACK_EXIT, serial, AckExitBody{slot});
    }
    void note(const NoteBody& body) { link_.send(Msg::NOTE, 0, body); }
    void stopping(FinishMode mode) { link_.send(Msg::STOPPING, 0, StoppingBody{mode}); }
    void finish(FinishMode mode, std::uint64_t carry) {
        link_.send(Msg::FINISH, 0, FinishBody{mode, 0, carry});
    }

  private:
    Link link_;
    SpawnPace pace_;
    std::uint32_t last_check_ = 0;
};

}  // namespace reeve
