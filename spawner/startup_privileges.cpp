// The start's dealings with privileges: the user of [supervisord], resource limits, capabilities, and the
// empty directory for the parts.
#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "common/base/privileges.hpp"
#include "spawner/child_exec.hpp"
#include "spawner/startup.hpp"

namespace reeve {
namespace {

bool has(int capability) {
    return ::capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(capability)) == 1;
}

// Answers the new limit, or 0 if the old one was high enough; *most: if it cannot be raised, what there may
// be.
std::uint64_t raise(decltype(RLIMIT_NOFILE) what, std::int64_t minimum, std::optional<std::uint64_t>* most) {
    rlimit limit{};
    if (minimum <= 0 || ::getrlimit(what, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= static_cast<rlim_t>(minimum)) {
        return 0;
    }
    std::uint64_t allowed = limit.rlim_max;
    limit.rlim_cur = static_cast<rlim_t>(minimum);
    if (limit.rlim_max != RLIM_INFINITY) limit.rlim_max = std::max(limit.rlim_max, limit.rlim_cur);
    if (::setrlimit(what, &limit) != 0) *most = allowed;
    return static_cast<std::uint64_t>(minimum);
}

// A user namespace may have no number for an account, and may forbid setgroups(), of which the first thing
// that the kernel checks is whether it is allowed at all.
bool parts_accounts_exist(const State& state) {
    if (::setgroups(~std::size_t{0}, nullptr) != 0 && errno == EPERM) return false;
    for (const Identity& identity : state.table.boot().daemon().parts) {
        ::setfsuid(identity.uid);
        if (::setfsuid(0) != static_cast<int>(identity.uid)) return false;
    }
    return true;
}

}  // namespace

bool change_user(State& state) {
    const SpawnerImage& image = state.table.boot();
    const Identity& identity = image.daemon().identity;
    if (identity.uid == kAbsent) return false;
    if (identity.uid == ::getuid()) return true;
    if (::getuid() != 0) refuse_to_start(state, "Can't drop privilege as nonroot user");
    if (::setgroups(identity.groups.count, groups_of(image, identity)) != 0)
        refuse_to_start(state, "Could not set groups of effective user");
    if (::setresgid(identity.gid, identity.gid, identity.gid) != 0)
        refuse_to_start(state, "Could not set group id of effective user");
    if (::setresuid(identity.uid, identity.uid, identity.uid) != 0)
        refuse_to_start(state, "Could not set user id of effective user");
    if (identity.uid != 0 && ::setuid(0) == 0) refuse_to_start(state, "Could drop root, but got it back");
    return true;
}

Raised raise_limits(State& state) {
    const DaemonRec& daemon = state.table.boot().daemon();
    Raised raised{};
    std::optional<std::uint64_t> most;
    raised.files = raise(RLIMIT_NOFILE, daemon.minfds, &most);
    if (most) {
        refuse_to_start(
            state,
            "The minimum number of file descriptors required to run this process is %lld as per the "
            "\"minfds\" command-line argument or config file setting. The current environment will only "
            "allow you to open %llu file descriptors.  Either raise the number of usable file descriptors in "
            "your environment or lower the minfds setting in the config file to allow the process to start.",
            static_cast<long long>(daemon.minfds), static_cast<unsigned long long>(*most));
    }
    raised.processes = raise(RLIMIT_NPROC, daemon.minprocs, &most);
    if (most) {
        refuse_to_start(
            state,
            "The minimum number of available processes required to run this program is %lld as per the "
            "\"minprocs\" command-line argument or config file setting. The current environment will only "
            "allow you to open %llu processes.  Either raise the number of usable processes in your "
            "environment or lower the minprocs setting in the config file to allow the program to start.",
            static_cast<long long>(daemon.minprocs), static_cast<unsigned long long>(*most));
    }
    return raised;
}

void trim_capabilities(State& state) {
    if (!state.root || ::capng_get_caps_process() != 0) return;
    state.may_kill = has(CAP_KILL);
    state.may_change_user = has(CAP_SETUID) && has(CAP_SETGID) && parts_accounts_exist(state);
    // A system-call filter, such as a service manager's, can forbid it to those who have the capability, too;
    // if not, the kernel looks for the path first.
    bool chroot_forbidden = ::chroot("") != 0 && errno != ENOENT;
    state.may_chroot = state.may_change_user && has(CAP_SYS_CHROOT) && has(CAP_SETPCAP) && !chroot_forbidden;
    // Neither the bounding set, for programs that run as root shall have what root has, nor the permitted
    // one: whoever gains capabilities by exec is made undumpable by the kernel, so those programs would leave
    // no core files, and others of root could not look at them. (It would protect from nothing: exec gives
    // all back.)
    auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_INHERITABLE);
    for (unsigned capability = 0; capability < 64; ++capability) ::capng_update(CAPNG_DROP, sets, capability);
    // Asking for one that is not there would make the whole call fail and leave all of them.
    for (int capability : kSpawnerCapabilities) {
        if (has(capability)) ::capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, static_cast<unsigned>(capability));
    }
    if (::capng_apply(CAPNG_SELECT_CAPS) != 0) refuse_to_start(state, "Could not drop capabilities");
}

void make_empty_directory(State& state) {
    if (!state.may_chroot) return;
    for (const char* pattern : {"/run/.reeve-XXXXXX", "/tmp/.reeve-XXXXXX", "/var/tmp/.reeve-XXXXXX"}) {
        char path[64];
        std::snprintf(path, sizeof path, "%s", pattern);
        if (::mkdtemp(path) == nullptr) continue;
        state.empty_directory.reset(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        // The parts need to enter it; nobody can make anything in a directory that is removed.
        bool usable = state.empty_directory.valid() && ::fchmod(state.empty_directory.get(), 0555) == 0;
        ::rmdir(path);
        if (usable) return;
        state.empty_directory.reset();
    }
    state.may_chroot = false;
}

}  // namespace reeve
