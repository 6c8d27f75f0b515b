// The most that each process of supervisord may have. One table for those who take the rest away (the start
// of the spawner, common/sandbox) and for those who look whether it is gone (`supervisorctl privileges`).
//
// Numbers of capabilities are the kernel's. Descriptors are counted by kind; descriptor 2, which is whatever
// supervisord was started with, is not counted.
#pragma once

#include <linux/capability.h>
#include <sys/resource.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace reeve {

// What starting programs as other users, opening logs and keeping the parts apart takes: the effective set.
constexpr int kSpawnerCapabilities[] = {CAP_CHOWN,      CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
                                        CAP_FOWNER,     CAP_FSETID,       CAP_KILL,
                                        CAP_SETGID,     CAP_SETUID,       CAP_SETPCAP,
                                        CAP_SYS_CHROOT, CAP_SYS_RESOURCE, CAP_NET_BIND_SERVICE};
// Without these the spawner cannot give the parts an empty root directory and an empty bounding set.
constexpr int kChrootCapabilities[] = {CAP_SETUID, CAP_SETGID, CAP_SYS_CHROOT, CAP_SETPCAP};

template <std::size_t N>
constexpr std::uint64_t capability_mask(const int (&capabilities)[N]) {
    std::uint64_t mask = 0;
    for (int capability : capabilities) mask |= std::uint64_t{1} << capability;
    return mask;
}

// Of every other part: inheritable, permitted, effective and ambient; as root also the bounding set.
constexpr std::uint64_t kPartCapabilities = 0;

// Limits of every part, soft and hard, at most: no core files with what it has in memory, no children, and
// memory that a part in anybody's hands cannot exhaust the machine with: of all kinds, for RLIMIT_DATA counts
// nothing that is shared. (Honest parts need a few MB; a client that reads a whole log in one call makes it
// several times the log's size.)
struct LimitMaximum {
    decltype(RLIMIT_CORE) resource;
    const char* proc_name;  // as in /proc/PID/limits
    std::uint64_t value;
};
constexpr LimitMaximum kPartLimits[] = {{RLIMIT_CORE, "Max core file size", 0},
                                        {RLIMIT_NPROC, "Max processes", 0},
                                        {RLIMIT_AS, "Max address space", std::uint64_t{2} << 30}};

enum class FdKind : std::uint8_t {
    Null,
    Socket,
    Pipe,
    EventLoop,
    Timer,
    Memory,
    File,
    Directory,
    Device,
    Other
};
constexpr std::size_t kFdKinds = 10;
constexpr std::uint32_t kAnyNumber = 0xFFFFFFFF;

struct PartMaximum {
    const char* program;                           // file name of the executable
    bool writes_files;                             // if not: RLIMIT_FSIZE is 0, unless descriptor 2 is a file
    std::array<std::uint32_t, kFdKinds> fd_kinds;  // how many at one time, by FdKind
};
// Sockets of engine and log writer are channels: to the spawner and two peers (twice while a peer is
// replaced), and the system logger's. Two pipe ends each are the event loop's own.
constexpr PartMaximum kPartMaxima[] = {
    // clang-format off
    //                            null        socket      pipe        loop timer mem file        dir device      other
    {"supervisor-engine", false, {2,          6,          kAnyNumber, 1,   1,    2,  0,          0,  0,          0}},
    {"supervisor-rpc",    false, {2,          kAnyNumber, 2,          1,   1,    0,  0,          0,  0,          0}},
    {"supervisor-log",    true,  {kAnyNumber, 8,          kAnyNumber, 1,   1,    0,  kAnyNumber, 0,  kAnyNumber, 0}},
    // clang-format on
};

}  // namespace reeve
