// From fork to exec of a part. See part_exec.hpp.
//
// The order matters, and each step is checked: the inheritable set can only be filled while the bounding set
// is full; the capability survives the change of user by KEEPCAPS and comes through exec as an ambient one;
// RLIMIT_NPROC would make exec fail if it were set before the change of user, and PDEATHSIG would be cleared.
#include "spawner/part_exec.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "spawner/child_exec.hpp"

namespace reeve {
namespace {

constexpr int kPartChannelFd = 3;
constexpr int kPartDirectoryFd = 4;
constexpr int kExitNotStarted = 71;
constexpr unsigned kCapabilities = 64;  // the kernel answers EINVAL for those it does not know

[[noreturn]] void fail_in_child(const Part& part, const char* what) {
    char line[256];
    int length = std::snprintf(line, sizeof line, "supervisord: cannot start %s: %s: %s\n", part.binary, what,
                               std::strerror(errno));
    if (length > 0) {
        ssize_t ignored = ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
        static_cast<void>(ignored);
    }
    ::_exit(kExitNotStarted);
}

void set_descriptors_in_child(const State& state, const Part& part, int channel) {
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(null, 1) < 0) fail_in_child(part, "/dev/null");
    // First above the targets, for dup2 onto itself would leave close-on-exec set.
    int high_channel = ::fcntl(channel, F_DUPFD_CLOEXEC, 10);
    bool chroots = state.empty_directory.valid();
    int high_directory = chroots ? ::fcntl(state.empty_directory.get(), F_DUPFD_CLOEXEC, 10) : -1;
    if (high_channel < 0 || ::dup2(high_channel, kPartChannelFd) < 0) fail_in_child(part, "its channel");
    if (chroots && (high_directory < 0 || ::dup2(high_directory, kPartDirectoryFd) < 0))
        fail_in_child(part, "its directory");
    if (::close_range(chroots ? kPartDirectoryFd + 1 : kPartChannelFd + 1, ~0U, 0) != 0)
        fail_in_child(part, "closing descriptors");
}

void set_capability_in_child(const Part& part) {
    ::capng_clear(CAPNG_SELECT_CAPS);
    auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE);
    // SETUID, SETGID and SETPCAP are still needed; the kernel drops all but SYS_CHROOT below.
    if (::capng_updatev(CAPNG_ADD, sets, CAP_SYS_CHROOT, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, -1) != 0 ||
        ::capng_apply(CAPNG_SELECT_CAPS) != 0) {
        fail_in_child(part, "capabilities");
    }
}

void become_user_in_child(const State& state, const Part& part) {
    const SpawnerImage& image = state.table.boot();
    const Identity& identity = image.daemon().parts[static_cast<std::size_t>(part.role) - 1];
    if (identity.uid == kAbsent || identity.uid == 0 || identity.gid == kAbsent) {
        errno = EINVAL;
        fail_in_child(part, "no account to run it as");
    }
    if (state.may_chroot) set_capability_in_child(part);
    for (unsigned cap = 0; state.may_chroot && cap < kCapabilities; ++cap) {
        if (::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
            fail_in_child(part, "the bounding set");
    }
    if (state.may_chroot && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fail_in_child(part, "KEEPCAPS");
    const std::uint32_t* groups = identity.groups.count > 0 ? &image.gid(identity.groups.first) : nullptr;
    if (::setgroups(identity.groups.count, groups) != 0) fail_in_child(part, "setgroups");
    if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) fail_in_child(part, "setgid");
    if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) fail_in_child(part, "setuid");
    if (!state.may_chroot) return;
    ::capng_clear(CAPNG_SELECT_CAPS);
    auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE);
    if (::capng_update(CAPNG_ADD, sets, CAP_SYS_CHROOT) != 0 || ::capng_apply(CAPNG_SELECT_CAPS) != 0)
        fail_in_child(part, "capabilities");
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0) != 0)
        fail_in_child(part, "the ambient capability");
}

void set_limits_in_child(const Part& part) {
    rlimit none{0, 0};
    rlimit files{};
    if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::setrlimit(RLIMIT_NPROC, &none) != 0)
        fail_in_child(part, "limits");
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    // Engine and front write no files, but what they say on their way out shall reach a stderr that is one.
    struct stat status {};
    bool stderr_is_file = ::fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    if (part.role != Role::Log && !stderr_is_file && ::setrlimit(RLIMIT_FSIZE, &none) != 0)
        fail_in_child(part, "limits");
}

}  // namespace

void exec_part_in_child(const State& state, const Part& part, const char* path, int channel) {
    pid_t parent = ::getppid();
    // Its own process group: Ctrl-C on the terminal is for supervisord, which then tells the parts.
    ::setpgid(0, 0);
    set_descriptors_in_child(state, part, channel);
    reset_signals_in_child();
    ::umask(077);
    UniqueFd program(::open(path, O_PATH | O_CLOEXEC));
    if (!program.valid()) fail_in_child(part, path);
    if (::chdir("/") != 0) fail_in_child(part, "chdir");
    if (state.may_change_user) become_user_in_child(state, part);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail_in_child(part, "no_new_privs");
    set_limits_in_child(part);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(kExitNotStarted);  // it died before the line above

    char zone[4096];
    char* envp[2] = {nullptr, nullptr};
    const char* configured = ::getenv("TZ");
    if (configured != nullptr && std::snprintf(zone, sizeof zone, "TZ=%s", configured) < int{sizeof zone})
        envp[0] = zone;
    char* argv[2] = {const_cast<char*>(part.binary), nullptr};
    ::execve(path, argv, envp);
    // The account may not be able to reach the folder, as when it is somebody's build folder.
    if (errno == EACCES) ::fexecve(program.get(), argv, envp);
    fail_in_child(part, path);
}

}  // namespace reeve
