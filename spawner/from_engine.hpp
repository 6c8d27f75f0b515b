// What the engine may ask. A request names a slot and nothing else that matters; each number is checked here
// before it is used, and a request that breaks the rules costs the engine its life.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Handles one message. Answers nullptr, or which rule it breaks.
const char* on_engine_message(State& state, const Message& message);

// Whether a SPAWN would be obeyed now. If not, *when becomes the moment at which it will be (ms), if earlier.
bool spawn_allowed(State& state, std::uint64_t now, std::uint64_t& when);

}  // namespace reeve
