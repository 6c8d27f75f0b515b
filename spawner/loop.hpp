// The loop: waits for signals, for messages of the parts and for moments that are due. When nothing is due it
// sleeps without a time limit, so that an idle daemon never wakes up.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Never comes back: the process ends in finish.cpp.
[[noreturn]] void run_loop(State& state);

}  // namespace reeve
