// What the log writer may ask: a deed on the file of a stream of the image. It never names a path.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Handles one message. Answers nullptr, or which rule it breaks.
const char* on_log_message(State& state, const Message& message);

}  // namespace reeve
