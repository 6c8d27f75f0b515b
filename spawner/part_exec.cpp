// From fork to exec of a part. See part_exec.hpp.
//
// The order matters: the bounding set can only be emptied while SETPCAP is there; the one capability that the
// part needs to shut itself in survives the change of user by KEEPCAPS (libcap-ng's work) and comes through
// exec as an ambient one; PDEATHSIG would be cleared by the change of user. The part proves all of it
// (common/sandbox) before it reads a message.
#include "spawner/part_exec.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "spawner/child_exec.hpp"

namespace reeve {
namespace {

constexpr int kExitNotStarted = 71;

[[noreturn]] void fail_in_child(const Part& part, const char* what) {
    ::dprintf(STDERR_FILENO, "supervisord: cannot start %s: %s: %s\n", part.kind.binary, what,
              std::strerror(errno));
    ::_exit(kExitNotStarted);
}

void become_user_in_child(const State& state, const Part& part) {
    const SpawnerImage& image = state.table.boot();
    const Identity& identity = image.daemon().parts[static_cast<std::size_t>(part.kind.role) - 1];
    errno = EINVAL;
    if (identity.uid == kAbsent || identity.uid == 0 || identity.gid == kAbsent)
        fail_in_child(part, "no account to run it as");
    if (::setgroups(identity.groups.count, groups_of(image, identity)) != 0) fail_in_child(part, "setgroups");
    // As much as there is to keep: see trim_capabilities().
    ::capng_clear(CAPNG_SELECT_ALL);
    auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE);
    if (state.may_chroot) ::capng_update(CAPNG_ADD, sets, CAP_SYS_CHROOT);
    if (::capng_change_id(static_cast<int>(identity.uid), static_cast<int>(identity.gid),
                          state.may_chroot ? CAPNG_CLEAR_BOUNDING : CAPNG_NO_FLAG) != 0)
        fail_in_child(part, "its account and capabilities");
    if (state.may_chroot && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0) != 0)
        fail_in_child(part, "the ambient capability");
}

}  // namespace

void exec_part_in_child(State& state, const Part& part, const char* path, int channel) {
    pid_t parent = ::getppid();
    // Its own process group: Ctrl-C on the terminal is for supervisord, which then tells the parts.
    ::setpgid(0, 0);
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) fail_in_child(part, "/dev/null");
    const int wanted[] = {null, null, STDERR_FILENO, channel, state.empty_directory.get()};
    if (!set_descriptors_in_child({wanted, state.empty_directory.valid() ? 5U : 4U}))
        fail_in_child(part, "its descriptors");
    reset_signals_in_child();
    ::umask(077);
    UniqueFd program(::open(path, O_PATH | O_CLOEXEC));
    if (!program.valid()) fail_in_child(part, path);
    if (::chdir("/") != 0) fail_in_child(part, "chdir");
    if (state.may_change_user) become_user_in_child(state, part);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail_in_child(part, "no_new_privs");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(kExitNotStarted);  // it died before the line above

    char* argv[] = {const_cast<char*>(part.kind.binary), nullptr};
    ::execve(path, argv, state.time_zone);
    // The account may not be able to reach the folder, as when it is somebody's build folder.
    if (errno == EACCES) ::fexecve(program.get(), argv, state.time_zone);
    fail_in_child(part, path);
}

}  // namespace reeve
