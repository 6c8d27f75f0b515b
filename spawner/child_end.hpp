// How programs end: signals to them, their reaping, and what is left of them until everybody knows.
#pragma once

#include <sys/types.h>

#include "spawner/state.hpp"

namespace reeve {

// Sends a signal to a live child or its process group. 0 or errno. The pid cannot be another's: this process
// is the only one that could reap it. EPERM: the child has become another user, as sudo does.
int kill_child(Slot& slot, int signo, bool group);

// Whether a child lives that did not refuse the last signal. Those that do are nobody's to end, and stay
// behind.
bool children_in_reach(State& state);

// Reaps all that have ended: programs, parts, confread, and orphans if this is process 1.
void reap_children(State& state);

// The log writer has written the dead child's last output.
void child_drained(State& state, Slot& slot);

// Writes what a dead child has left in its pipes to its logs, as it is, if nobody else will: there is no log
// writer, or it was not given them yet. At most what a pipe holds.
void save_output(State& state, const Slot& slot);

// The engine has acknowledged the exit: the slot is empty.
void forget_child(State& state, Slot& slot);

// Says how many orphans were reaped since the last such line, once a second; *next as usual (ms).
void look_after_orphans(State& state, std::uint64_t now, std::uint64_t& next);

}  // namespace reeve
