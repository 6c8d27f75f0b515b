// From clone to exec. See child_exec.hpp.
//
// The steps and their order are the reference's: process group, descriptors, identity, directory, umask,
// exec. What fails is written to the program's stderr as the reference's users know it, and to the plan.
#include "spawner/child_exec.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "common/base/messages.hpp"

namespace reeve {
namespace {

// AddressSanitizer knows nothing of a stack that it did not see made, and ends a child that it asks about it.
#define REEVE_OWN_STACK __attribute__((no_sanitize("address")))

constexpr std::size_t kStackSize = 64 * 1024;
constexpr int kExitNotSpawned = 127;
constexpr int kAboveTargets = 16;

[[noreturn, gnu::format(printf, 4, 5)]] REEVE_OWN_STACK void give_up_in_child(ChildPlan& plan, Stage stage,
                                                                              int error, const char* format,
                                                                              ...) {
    plan.failed_stage = static_cast<std::uint32_t>(stage);
    plan.failed_errno = error;
    char line[4096 + 64];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (const char* text : {static_cast<const char*>(line), "supervisor: child process was not spawned\n"}) {
        [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
    }
    ::_exit(kExitNotSpawned);
}

REEVE_OWN_STACK void set_identity_in_child(ChildPlan& plan) {
    const Identity& identity = plan.proc->identity;
    std::uint32_t uid = identity.uid;
    if (uid == kAbsent || uid == ::getuid()) return;
    auto refuse = [&](Stage stage, int error, const char* reason) REEVE_OWN_STACK {
        give_up_in_child(plan, stage, error, "supervisor: couldn't setuid to %u: %s\n", uid, reason);
    };
    if (::getuid() != 0) refuse(Stage::ChildSetuid, 0, "Can't drop privilege as nonroot user");
    if (identity.gid == kAbsent)
        give_up_in_child(plan, Stage::ChildSetuid, 0,
                         "supervisor: couldn't setuid to %u: Can't find uid %u\n", uid, uid);
    if (::setgroups(identity.groups.count, groups_of(*plan.image, identity)) != 0)
        refuse(Stage::ChildGroups, errno, "Could not set groups of effective user");
    if (::setgid(identity.gid) != 0)
        refuse(Stage::ChildSetgid, errno, "Could not set group id of effective user");
    if (::setuid(uid) != 0) give_up_in_child(plan, Stage::ChildSetuid, errno, "%s", "");
}

REEVE_OWN_STACK int run_in_child(void* argument) {
    ChildPlan& plan = *static_cast<ChildPlan*>(argument);
    const char* directory = plan.image->c_str(plan.proc->directory);
    ::setpgid(0, 0);
    if (!set_descriptors_in_child(plan.fds)) give_up_in_child(plan, Stage::ChildExec, errno, "%s", "");
    rlimit files{plan.files_soft, plan.files_hard};
    ::setrlimit(RLIMIT_NOFILE, &files);
    set_identity_in_child(plan);
    if (directory != nullptr && ::chdir(directory) != 0)
        give_up_in_child(plan, Stage::ChildChdir, errno, "supervisor: couldn't chdir to %.4000s: %s\n",
                         directory, ::strerrorname_np(errno));
    if (plan.proc->umask != kAbsent) ::umask(plan.proc->umask & 0777);
    reset_signals_in_child();
    ::execve(plan.path, const_cast<char* const*>(plan.argv), const_cast<char* const*>(plan.envp));
    give_up_in_child(plan, Stage::ChildExec, errno, "supervisor: couldn't exec %.4000s: %s\n", plan.argv[0],
                     ::strerrorname_np(errno));
}

}  // namespace

void reset_signals_in_child() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signo = 1; signo < NSIG; ++signo) ::sigaction(signo, &standard, nullptr);
    sigset_t none{};
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool set_descriptors_in_child(std::span<const int> wanted) {
    // First all above the targets: so none is overwritten before its turn, and dup2 onto itself, which would
    // leave close-on-exec set, cannot happen.
    int high[8];
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        high[i] = ::fcntl(wanted[i], F_DUPFD_CLOEXEC, kAboveTargets);
        if (high[i] < 0 && errno == EINVAL) errno = EMFILE;  // the limit is not above the targets
        if (high[i] < 0) return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (::dup2(high[i], static_cast<int>(i)) < 0) return false;
    }
    return ::close_range(static_cast<unsigned>(wanted.size()), ~0U, 0) == 0;
}

pid_t clone_child(ChildPlan& plan) {
    // One stack for all: the parent sleeps until the child has left it. A guard page below it.
    static char* stack = nullptr;
    if (stack == nullptr) {
        void* memory = ::mmap(nullptr, kStackSize + 4096, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (memory == MAP_FAILED) return -1;
        ::mprotect(memory, 4096, PROT_NONE);
        stack = static_cast<char*>(memory) + kStackSize + 4096;
    }
    // Between setuid and exec the new user can stop the child, and SIGSTOP cannot be blocked: a parent that
    // waits for it could be held up for ever. So a child that changes its identity has memory of its own.
    std::uint32_t uid = plan.proc->identity.uid;
    bool changes = uid != kAbsent && uid != ::getuid();
    pid_t pid = ::clone(run_in_child, stack, (changes ? 0 : CLONE_VM | CLONE_VFORK) | SIGCHLD, &plan);
    // Nobody waits for its first step then, and a signal to its group may come before it.
    if (pid > 0 && changes) ::setpgid(pid, pid);
    return pid;
}

}  // namespace reeve
