// What the kernel tells about a process, from outside: who it is, what it may, what it holds. Everything
// comes from /proc, nothing from the process itself.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/privileges.hpp"

namespace reeve::ctl {

struct Descriptor {
    int number;
    FdKind kind;
    std::string target;  // as /proc shows it
};

struct Limit {
    std::string soft, hard;  // "unlimited" or a number
};

struct ProcessView {
    pid_t pid = 0;
    std::string name;                     // the first 15 bytes of the program's file name
    std::array<std::uint32_t, 4> uids{};  // real, effective, saved, file system
    std::array<std::uint32_t, 4> gids{};
    std::vector<std::uint32_t> groups;
    std::uint64_t inheritable = 0, permitted = 0, effective = 0, bounding = 0, ambient = 0;
    bool no_new_privs = false;
    unsigned seccomp = 0;             // 0 none, 1 strict, 2 filters
    std::optional<unsigned> filters;  // how many; old kernels do not tell
    unsigned threads = 1;
    std::map<std::string, Limit, std::less<>> limits;  // by the names of /proc/PID/limits
    // Not there: this user may not see it.
    std::optional<std::string> program;  // file name of the executable
    std::optional<std::string> root;     // path; " (deleted)" at the end if it has been removed
    std::optional<bool> root_empty;
    std::optional<bool> private_memory;  // it cannot be dumped or traced by its own user
    std::optional<std::vector<Descriptor>> descriptors;
};

// nullopt if there is no such process, or if it ended while it was looked at.
std::optional<ProcessView> view_process(pid_t pid);

struct ChildName {
    pid_t pid;
    std::string name;
};
// The children of a process.
std::vector<ChildName> children_of(pid_t parent);

// The fields of /proc/PID/status; false if one that every kernel has is missing.
bool read_status(const std::string& text, ProcessView& out);
void read_limits(const std::string& text, ProcessView& out);

}  // namespace reeve::ctl
