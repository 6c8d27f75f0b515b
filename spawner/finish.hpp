// The end of the daemon: closing the parts, removing sockets and pidfile, and leaving or executing itself.
// Also what happens when the daemon shall stop and there is no engine to see to it.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Closes all edges; the parts then leave. No child may live.
void begin_finish(State& state, FinishMode mode);

// Leaves, or executes itself, when the parts are gone; kills those that stay. *next as usual (ms).
void look_after_finish(State& state, std::uint64_t now, std::uint64_t& next);

// TERM was asked for and no engine works, or takes the signal, for 10 s: stops the children itself. *next as usual (ms).
void look_after_stop(State& state, std::uint64_t now, std::uint64_t& next);

// ---- what survives when the daemon executes itself (in a sealed memfd) ----

struct Inheritance {
    char magic[8];  // "REEVERUN"
    std::uint64_t carry;
    std::uint64_t files_soft, files_hard;
    std::uint32_t signals;         // not yet told
    std::int32_t start_directory;  // descriptor, or -1
    std::uint32_t daemonized;
    std::uint32_t zero;
};

// Takes over what the life before has left, if there was one. Called first of all.
void inherit(State& state, bool& daemonized);

}  // namespace reeve
