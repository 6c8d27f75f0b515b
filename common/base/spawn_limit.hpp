// How fast programs may be started. The spawner enforces it, since a captured engine must not be able to make
// it fork without end; the engine keeps to it by itself, because a spawner that has to wait hears nothing
// else.
//
// A bucket of tokens, one for each start: more than enough for what a configuration can need at its start and
// in all retries, and a limit for programs that die at once and are started again without a pause.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reeve {

// Starts that can follow each other at once, with that many active slots.
constexpr std::uint64_t spawn_burst(std::uint64_t slots) { return std::max<std::uint64_t>(4 * slots, 64); }
// Starts a second in the long run.
constexpr std::uint64_t spawns_a_second(std::uint64_t slots) { return std::max<std::uint64_t>(slots, 50); }

}  // namespace reeve
