// Shuts a part in: empty root directory, no capabilities, no way to get anything back, a system-call filter.
//
// The spawner has already set uid, groups, an empty bounding set, no_new_privs and limits, and left one
// ambient capability, CAP_SYS_CHROOT, for the chroot. A part calls enter_sandbox() after it has warmed up
// what opens files once (time zone, stdio, its event_base) and before it reads its first message.
#pragma once

namespace reeve {

enum class SandboxPart { Engine, Rpc, Log };

// Descriptors that every part is born with.
constexpr int kPartSpawnerFd = 3;   // the channel to the spawner
constexpr int kPartRootFd = 4;      // as root: an empty, already removed directory to chroot to

// Closes kPartRootFd. Ends the process with a line on stderr and status 70 if any step fails or does not hold.
// Started by an ordinary user there is no chroot and nothing to drop; all other steps are the same.
void enter_sandbox(SandboxPart part);

}  // namespace reeve
