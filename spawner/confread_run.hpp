// Runs supervisor-confread: at the start with the terminal attached, and at a re-read beside the loop, which
// never waits for it.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// The first run. Maps generation 1, or ends the process with confread's own exit status (0 after -h and -v).
void read_configuration(State& state);

// Begins a re-read for a RELOAD with that serial. Failures become CONFIG_FAILED.
void begin_reread(State& state, std::uint32_t serial);

// confread's stderr has something.
void on_reread_text(State& state);

// confread has ended.
void on_reread_exit(State& state, int wait_status);

// Ends a re-read that nobody waits for any more.
void abandon_reread(State& state);

// Ends a re-read that takes too long; *next becomes the earlier of itself and that moment (ms).
void look_after_reread(State& state, std::uint64_t now, std::uint64_t& next);

}  // namespace reeve
