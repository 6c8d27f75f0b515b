// The system-call filters of the parts. Only enter.cpp uses this.
#pragma once

#include "common/sandbox/enter.hpp"

namespace reeve {

// Loads the filter of a part into this process for good. 0, or the errno of the step that failed.
int load_filter(SandboxPart part);

}  // namespace reeve
