// What happens between fork and exec of a part: it becomes another user, without capabilities but the one for
// its chroot, and without a way to get any back.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Executes the part's program; channel becomes its descriptor 3. Does not come back.
[[noreturn]] void exec_part_in_child(State& state, const Part& part, const char* path, int channel);

}  // namespace reeve
