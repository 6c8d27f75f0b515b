// The listening sockets of FastCGI programs: one for each [fcgi-program:x], open while one of its processes
// is, from just before it is started until it is reaped.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Makes the slot a user of its socket, creating it if it is the first. Answers 0 and the descriptor, or
// errno.
int hold_fcgi_socket(State& state, Slot& slot, std::uint32_t index, int& fd);

// The slot uses its socket no more; the last one closes it. Does nothing for other programs.
void release_fcgi_socket(State& state, Slot& slot);

}  // namespace reeve
