// The three long-lived parts: started unprivileged, linked with each other, watched, and started again when
// they die. No program notices when one does.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// The path of the running supervisord. False, and an empty path, if the system does not say.
bool own_path(char* out, std::size_t size);

// Writes the path of a part's program: beside supervisord, or else in the directory for such programs.
void find_program(const char* name, char* out, std::size_t size);

// Starts a part and makes its edges to its peers. What cannot be started is tried again later.
void start_part(State& state, Part& part);

// A part has ended; it is started again at once, or after 1, 2, 4 ... 60 s if it had lived less than 10 s.
void on_part_death(State& state, Part& part, int wait_status);

// A part broke the rules or is stuck, or it has closed its end and has to go (no reason): SIGKILL. The line
// about it is written when it is reaped.
void kill_part(Part& part, const char* reason);

// Restarts and time limits that are due; *next becomes the earlier of itself and the next one (ms).
void look_after_parts(State& state, std::uint64_t now, std::uint64_t& next);

}  // namespace reeve
