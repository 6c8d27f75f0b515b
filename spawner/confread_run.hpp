// Runs supervisor-confread: at the start with the terminal attached, and at a re-read beside the loop, which
// never waits for it.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

constexpr const char* kConfread = "supervisor-confread";

// Makes the memory for two images and starts confread, which fills and seals them. errors: where its stderr
// goes at a re-read, or -1 at the start, when it has the terminal. Answers the pid, or -1 with errno.
pid_t start_confread(const State& state, UniqueFd& image, UniqueFd& view, int errors);

// Begins a re-read for a RELOAD with that serial. Failures become CONFIG_FAILED.
void begin_reread(State& state, std::uint32_t serial);

// confread has ended.
void on_reread_exit(State& state, int wait_status);

// Ends a re-read that nobody waits for any more.
void abandon_reread(State& state);

}  // namespace reeve
