// The interactive shell: the status first, then one line after the other until quit, the end of the input or
// Ctrl-C.
#pragma once

namespace reeve::ctl {

class Session;

// Always ends well: the failure of an action is not the shell's. Throws OutputError.
void run_shell(Session& session);

}  // namespace reeve::ctl
