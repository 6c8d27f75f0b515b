// The calls. See spawner_system.hpp.
#include "spawner_system.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "spawner/child_exec.hpp"

namespace reeve::fuzz {
namespace {

// What the spawner maps, the stack of its children excepted, which it keeps.
std::map<void*, std::size_t>& mappings() {
    static std::map<void*, std::size_t> all;
    return all;
}
int last_pair[2] = {-1, -1};

}  // namespace

System& the_system() {
    static System system;
    return system;
}

void broken(const char* rule, const std::string& what) {
    the_system().inside = false;
    std::fprintf(stderr, "broken: %s %s\n", rule, what.c_str());
    std::abort();
}

void System::die(pid_t pid, int wait_status) {
    auto found = living.find(pid);
    if (found == living.end()) return;
    if (found->second.channel >= 0) ::close(found->second.channel);
    living.erase(found);
    dead.emplace_back(pid, wait_status);
}

void System::reset() {
    for (auto& [pid, process] : living) {
        if (process.channel >= 0) ::close(process.channel);
    }
    living.clear();
    dead.clear();
    for (auto& [at, size] : std::map(mappings())) ::munmap(at, size);
    now_us = 1'000'000'000;
    next_pid = 1000;
    failing = "";
    executed_itself = inside = leaving = false;
}

namespace {

// Whether this call is the one that shall fail.
bool fails(const char* name) {
    System& system = the_system();
    if (!system.inside || std::strcmp(system.failing, name) != 0) return false;
    system.failing = "";
    errno = system.failing_error;
    return true;
}

// While a stand-in works, what it allocates is not the spawner's.
struct Outside {
    bool was = the_system().inside;
    Outside() { the_system().inside = false; }
    ~Outside() { the_system().inside = was; }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
};

void judge_path(const char* call, const char* path) {
    if (!the_system().inside) return;
    Outside outside;
    const std::string& folder = the_system().log_folder;
    std::string_view whole(path);
    bool log = whole.substr(0, folder.size()) == folder && whole.find("/../") == std::string_view::npos;
    if (!log && whole != "/dev/null" && whole != "/bin/true" && whole != "/bin/sleep") broken(call, path);
}

pid_t begin(Kind kind, int channel = -1) {
    System& system = the_system();
    pid_t pid = system.next_pid++;
    system.living[pid] = {kind, channel};
    return pid;
}

}  // namespace
}  // namespace reeve::fuzz

using namespace reeve::fuzz;

// ---- processes

extern "C" {
int __wrap_clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
int __wrap_clone(int (*)(void*), void*, int, void* argument, ...) {
    if (fails("clone")) return -1;
    Outside outside;
    auto& plan = *static_cast<reeve::ChildPlan*>(argument);
    std::string path = plan.path;
    if (path != "/bin/true" && path != "/bin/sleep") broken("executes", path);
    if (plan.proc->identity.uid != reeve::kAbsent) broken("changes the identity");
    if (plan.argv[0] == nullptr || plan.envp[0] == nullptr || std::string(plan.envp[0]) != "A=1" ||
        plan.envp[1] != nullptr)
        broken("passes on another environment");
    for (int fd : plan.fds) {
        if (fd <= 2 || ::fcntl(fd, F_GETFD) < 0) broken("gives a descriptor that is none");
    }
    ssize_t ignored = ::write(plan.fds[1], "output\n", 7);
    static_cast<void>(ignored);
    return begin(Kind::Program);
}

pid_t __wrap_fork();
pid_t __wrap_fork() {
    if (fails("fork")) return -1;
    Outside outside;
    // A part's channel is made just before its fork; confread has none.
    if (last_pair[1] < 0) return begin(Kind::Confread);
    pid_t pid = begin(Kind::Part, ::fcntl(last_pair[1], F_DUPFD_CLOEXEC, 3));
    last_pair[0] = last_pair[1] = -1;
    return pid;
}

int __wrap_setpgid(pid_t, pid_t);
int __wrap_setpgid(pid_t, pid_t) { return 0; }

int __wrap_kill(pid_t pid, int signo);
int __wrap_kill(pid_t pid, int signo) {
    Outside outside;
    System& system = the_system();
    pid_t target = pid < 0 ? -pid : pid;
    bool unreaped =
        std::any_of(system.dead.begin(), system.dead.end(), [&](auto& one) { return one.first == target; });
    auto found = system.living.find(target);
    if (pid == 0 || pid == -1 || pid == 1 || (found == system.living.end() && !unreaped))
        broken("signals a process that is no child", std::to_string(pid));
    if (signo < 0 || signo > 64) broken("sends a signal that there is not");
    if (found == system.living.end()) return 0;  // a zombie takes it
    if (found->second.kind != Kind::Program && (signo != SIGKILL || pid < 0))
        broken("signals a part otherwise than by KILL");
    if (signo == SIGKILL || (signo == SIGTERM && found->second.kind == Kind::Program))
        system.die(target, signo);
    return 0;
}

pid_t __wrap_waitpid(pid_t pid, int* status, int options);
pid_t __wrap_waitpid(pid_t, int* status, int) {
    Outside outside;
    System& system = the_system();
    if (system.dead.empty()) {
        if (!system.living.empty()) return 0;
        errno = ECHILD;
        return -1;
    }
    auto [pid, how] = system.dead.front();
    system.dead.erase(system.dead.begin());
    *status = how;
    return pid;
}

void __wrap__exit(int status);
void __wrap__exit(int status) {
    the_system().inside = false;
    throw Over{true, status};
}

int __wrap_execv(const char* path, char* const* argv);
int __wrap_execv(const char*, char* const*) {
    // A failure after this ends the process, so nobody closes what was meant for the next life.
    if (const char* left = std::getenv("REEVE_STATE")) ::close(std::atoi(left));
    ::unsetenv("REEVE_STATE");
    the_system().executed_itself = true;
    errno = ENOEXEC;
    return -1;
}

// ---- waiting and time

int __real_poll(pollfd* fds, nfds_t count, int timeout);
int __wrap_poll(pollfd* fds, nfds_t count, int timeout);
int __wrap_poll(pollfd* fds, nfds_t count, int timeout) {
    System& system = the_system();
    if (!system.inside || count == 1) return __real_poll(fds, count, timeout);
    system.inside = false;
    system.turn();
    int ready = __real_poll(fds, count, 0);
    system.inside = true;
    return ready;
}

int __real_clock_gettime(clockid_t clock, timespec* out);
int __wrap_clock_gettime(clockid_t clock, timespec* out);
int __wrap_clock_gettime(clockid_t, timespec* out) {
    std::uint64_t now = the_system().now_us;
    out->tv_sec = static_cast<time_t>(now / 1'000'000);
    out->tv_nsec = static_cast<long>(now % 1'000'000 * 1000);
    return 0;
}

// ---- descriptors

int __real_pipe2(int* ends, int flags);
int __wrap_pipe2(int* ends, int flags);
int __wrap_pipe2(int* ends, int flags) { return fails("pipe2") ? -1 : __real_pipe2(ends, flags); }

int __real_socketpair(int domain, int type, int protocol, int* ends);
int __wrap_socketpair(int domain, int type, int protocol, int* ends);
int __wrap_socketpair(int domain, int type, int protocol, int* ends) {
    if (fails("socketpair")) return -1;
    int result = __real_socketpair(domain, type, protocol, ends);
    if (the_system().inside && result == 0) std::memcpy(last_pair, ends, sizeof last_pair);
    return result;
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
    return fails("sendmsg") ? -1 : __real_sendmsg(fd, message, flags);
}

ssize_t __real_writev(int fd, const iovec* parts, int count);
ssize_t __wrap_writev(int fd, const iovec* parts, int count);
ssize_t __wrap_writev(int fd, const iovec* parts, int count) {
    return fails("writev") ? -1 : __real_writev(fd, parts, count);
}

int __real_memfd_create(const char* name, unsigned flags);
int __wrap_memfd_create(const char* name, unsigned flags);
int __wrap_memfd_create(const char* name, unsigned flags) {
    // Images for confread: whatever pair was made before was not for this child.
    if (the_system().inside) last_pair[0] = last_pair[1] = -1;
    if (std::strcmp(name, "reeve-state") == 0) the_system().leaving = true;
    return fails("memfd_create") ? -1 : __real_memfd_create(name, flags);
}

int __wrap_connect(int fd, const sockaddr* address, socklen_t size);
int __wrap_connect(int, const sockaddr*, socklen_t) {
    errno = ENOENT;
    return -1;
}

void* __real_mmap64(void* at, std::size_t size, int protection, int flags, int fd, off_t offset);
void* __wrap_mmap64(void* at, std::size_t size, int protection, int flags, int fd, off_t offset);
void* __wrap_mmap64(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
    if (fails("mmap")) return MAP_FAILED;
    void* memory = __real_mmap64(at, size, protection, flags, fd, offset);
    Outside outside;
    if (memory != MAP_FAILED && (flags & MAP_STACK) == 0) mappings()[memory] = size;
    return memory;
}

int __real_munmap(void* at, std::size_t size);
int __wrap_munmap(void* at, std::size_t size);
int __wrap_munmap(void* at, std::size_t size) {
    Outside outside;
    mappings().erase(at);
    return __real_munmap(at, size);
}

// ---- files

int __real_openat64(int at, const char* path, int flags, ...);
int __wrap_openat64(int at, const char* path, int flags, ...);
int __wrap_openat64(int at, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    judge_path("opens", path);
    return fails("openat") ? -1 : __real_openat64(at, path, flags, mode);
}

int __real_unlinkat(int at, const char* path, int flags);
int __wrap_unlinkat(int at, const char* path, int flags);
int __wrap_unlinkat(int at, const char* path, int flags) {
    judge_path("removes", path);
    return fails("unlinkat") ? -1 : __real_unlinkat(at, path, flags);
}

int __real_renameat(int at, const char* from, int to_at, const char* to);
int __wrap_renameat(int at, const char* from, int to_at, const char* to);
int __wrap_renameat(int at, const char* from, int to_at, const char* to) {
    judge_path("renames", from);
    judge_path("renames to", to);
    return fails("renameat") ? -1 : __real_renameat(at, from, to_at, to);
}

int __wrap_unlink(const char* path);
int __wrap_unlink(const char* path) {
    if (the_system().inside) broken("unlinks", path);
    return ::unlinkat(AT_FDCWD, path, 0);
}

int __real_access(const char* path, int mode);
int __wrap_access(const char* path, int mode);
int __wrap_access(const char* path, int mode) {
    // The parts' programs are there, whether they are built or not.
    return the_system().inside && std::strstr(path, "supervisor-") != nullptr ? 0 : __real_access(path, mode);
}
}

// ---- the heap

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REEVE_OTHER_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REEVE_OTHER_HEAP 1
#endif
#endif

#ifndef REEVE_OTHER_HEAP
// In place of glibc's own for the whole process, libraries included.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {
// Set when the machine exists: malloc is called before anything is constructed.
bool watched = false;
void judge_heap() {
    if (watched && the_system().inside && !the_system().leaving) broken("uses the heap");
}
struct Watch {
    Watch() {
        the_system();
        watched = true;
    }
} watch;
}  // namespace

extern "C" {
void* malloc(std::size_t size) {
    judge_heap();
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    judge_heap();
    return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
    judge_heap();
    return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    judge_heap();
    return __libc_memalign(alignment, size);
}
}
#endif
