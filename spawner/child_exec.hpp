// What happens between clone and exec. Everything is prepared by the parent (child_start.cpp) in a ChildPlan;
// the child only makes system calls, because it may run in the parent's memory while the parent waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>

#include "common/base/image.hpp"

namespace reeve {

// The supplementary groups of an account, as setgroups(2) takes them; nullptr if there are none.
inline const std::uint32_t* groups_of(const SpawnerImage& image, const Identity& identity) {
    return identity.groups.count > 0 ? &image.gid(identity.groups.first) : nullptr;
}

struct ChildPlan {
    const SpawnerImage* image = nullptr;
    const ProcRec* proc = nullptr;                 // of the image: identity, directory, umask
    const char* path = nullptr;                    // file to execute
    const char* const* argv = nullptr;             // ends with nullptr
    const char* const* envp = nullptr;             // ends with nullptr
    int fds[3] = {-1, -1, -1};                     // become 0, 1, 2
    std::uint64_t files_soft = 0, files_hard = 0;  // RLIMIT_NOFILE

    // Written by a child that shares the parent's memory: what failed before exec.
    volatile std::uint32_t failed_stage = 0;  // a Stage
    volatile std::int32_t failed_errno = 0;
};

// Makes a child. One that keeps the parent's identity shares its memory until it executes or ends, and the
// parent waits for that; the plan then says whether it failed (it ends with status 127). One that takes
// another identity has a copy of the memory, and only its exit status and its stderr tell of a failure.
// Answers the pid, or -1 with errno.
pid_t clone_child(ChildPlan& plan);

// For every child, parts and confread included: default dispositions, nothing blocked.
void reset_signals_in_child();

// For every child: wanted[i] becomes descriptor i, all others are closed. At most 8. False with errno.
bool set_descriptors_in_child(std::span<const int> wanted);

}  // namespace reeve
