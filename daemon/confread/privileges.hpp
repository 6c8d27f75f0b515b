// What confread keeps of root's rights: reading files. Started by an ordinary user it has nothing to give up.
#pragma once

namespace reeve {

// Gives up every capability but CAP_DAC_READ_SEARCH, and the way to get any back. What cannot be given up
// stays: a container may forbid it, and it is no reason not to start.
void drop_privileges();

}  // namespace reeve
