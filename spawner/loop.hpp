// The loop: waits for signals, for messages of the parts and for moments that are due. When nothing is due it
// sleeps without a time limit, so that an idle daemon never wakes up.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Reads what a part says, but not more than the turn allows, and nothing while an answer waits to be sent.
void read_part(State& state, Part& part);

// Never comes back: the process ends in finish.cpp.
[[noreturn]] void run_loop(State& state);

}  // namespace reeve
