// The end of the daemon: closing the parts, removing sockets and pidfile, and leaving or executing itself.
// Also what happens when the daemon shall stop and there is no engine to see to it.
#pragma once

#include <fcntl.h>

#include "spawner/state.hpp"

namespace reeve {

// Closes all edges; the parts then leave. No child may live.
void begin_finish(State& state, FinishMode mode);

// Leaves, or executes itself, when the parts are gone; kills those that stay. *next as usual (ms).
void look_after_finish(State& state, std::uint64_t now, std::uint64_t& next);

// TERM was asked for and no engine works, or takes the signal, for 10 s: stops the children itself. *next as usual (ms).
void look_after_stop(State& state, std::uint64_t now, std::uint64_t& next);

// Life goes over when the daemon executes itself.
constexpr const char* kStateVariable = "REEVE_STATE";  // the memfd's number
constexpr int kStateSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

}  // namespace reeve
