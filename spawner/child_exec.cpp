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
#include <cstdio>
#include <cstring>

#include "common/base/messages.hpp"

namespace reeve {
namespace {

// AddressSanitizer knows nothing of a stack that it did not see made, and ends a child that it asks about it.
#define REEVE_OWN_STACK __attribute__((no_sanitize("address")))

constexpr std::size_t kStackSize = 64 * 1024;
constexpr int kExitNotSpawned = 127;

void write_in_child(const char* line) {
    ssize_t ignored = ::write(STDERR_FILENO, line, std::strlen(line));
    static_cast<void>(ignored);
}

[[noreturn]] REEVE_OWN_STACK void give_up_in_child(ChildPlan& plan, Stage stage, int error,
                                                   const char* line) {
    plan.failed_stage = static_cast<std::uint32_t>(stage);
    plan.failed_errno = error;
    if (line != nullptr) write_in_child(line);
    write_in_child("supervisor: child process was not spawned\n");
    ::_exit(kExitNotSpawned);
}

// "ENOENT"; nobody has seen an errno without a name, but the number would do.
const char* error_name_in_child(int error) {
    const char* name = ::strerrorname_np(error);
    return name != nullptr ? name : "unknown error";
}

REEVE_OWN_STACK void set_identity_in_child(ChildPlan& plan) {
    if (plan.uid == kAbsent || plan.uid == ::getuid()) return;
    char line[160];
    auto refuse = [&](Stage stage, int error, const char* reason) REEVE_OWN_STACK {
        std::snprintf(line, sizeof line, "supervisor: couldn't setuid to %u: %s\n", plan.uid, reason);
        give_up_in_child(plan, stage, error, line);
    };
    if (::getuid() != 0) refuse(Stage::ChildSetuid, 0, "Can't drop privilege as nonroot user");
    if (plan.gid == kAbsent) {
        std::snprintf(line, sizeof line, "supervisor: couldn't setuid to %u: Can't find uid %u\n", plan.uid,
                      plan.uid);
        give_up_in_child(plan, Stage::ChildSetuid, 0, line);
    }
    if (::setgroups(plan.group_count, plan.groups) != 0)
        refuse(Stage::ChildGroups, errno, "Could not set groups of effective user");
    if (::setgid(plan.gid) != 0)
        refuse(Stage::ChildSetgid, errno, "Could not set group id of effective user");
    if (::setuid(plan.uid) != 0) give_up_in_child(plan, Stage::ChildSetuid, errno, nullptr);
}

REEVE_OWN_STACK int run_in_child(void* argument) {
    ChildPlan& plan = *static_cast<ChildPlan*>(argument);
    char line[4096 + 64];
    ::setpgid(0, 0);
    for (int i = 0; i < 3; ++i) {
        // dup2(n, n) would keep close-on-exec; the parent's descriptors are all above 2.
        if (plan.fds[i] <= 2 || ::dup2(plan.fds[i], i) < 0)
            give_up_in_child(plan, Stage::ChildExec, plan.fds[i] <= 2 ? EBADF : errno, nullptr);
    }
    ::close_range(3, ~0U, 0);
    rlimit files{plan.files_soft, plan.files_hard};
    ::setrlimit(RLIMIT_NOFILE, &files);
    set_identity_in_child(plan);
    if (plan.directory != nullptr && ::chdir(plan.directory) != 0) {
        int error = errno;
        std::snprintf(line, sizeof line, "supervisor: couldn't chdir to %.4000s: %s\n", plan.directory,
                      error_name_in_child(error));
        give_up_in_child(plan, Stage::ChildChdir, error, line);
    }
    if (plan.umask != kAbsent) ::umask(plan.umask & 0777);
    reset_signals_in_child();
    ::execve(plan.path, const_cast<char* const*>(plan.argv), const_cast<char* const*>(plan.envp));
    int error = errno;
    std::snprintf(line, sizeof line, "supervisor: couldn't exec %.4000s: %s\n", plan.argv[0],
                  error_name_in_child(error));
    give_up_in_child(plan, Stage::ChildExec, error, line);
}

}  // namespace

void reset_signals_in_child() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signo = 1; signo < NSIG; ++signo) ::sigaction(signo, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
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
    plan.failed_stage = 0;
    plan.failed_errno = 0;
    // Between setuid and exec the new user can stop the child, and SIGSTOP cannot be blocked: a parent that
    // waits for it could be held up for ever. So a child that changes its identity has memory of its own.
    bool changes = plan.uid != kAbsent && plan.uid != ::getuid();
    pid_t pid = ::clone(run_in_child, stack, (changes ? 0 : CLONE_VM | CLONE_VFORK) | SIGCHLD, &plan);
    // Nobody waits for its first step then, and a signal to its group may come before it.
    if (pid > 0 && changes) ::setpgid(pid, pid);
    return pid;
}

}  // namespace reeve
