// Stand-ins for system calls. See calls.hpp.
#include "calls.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <utility>

namespace {

// Plain memory, because the child of a clone looks at it as well.
char failing[32] = "";
int failing_error = 0;
int failing_skip = 0;
bool happened = false;
std::function<void()> deed_before_open;

bool fails(const char* name) {
    if (std::strcmp(failing, name) != 0 || failing_skip-- > 0) return false;
    failing[0] = 0;
    happened = true;
    errno = failing_error;
    return true;
}

}  // namespace

namespace reeve {

void fail_call(const std::string& name, int error, int skip) {
    std::strncpy(failing, name.c_str(), sizeof failing - 1);
    failing_error = error;
    failing_skip = skip;
    happened = false;
}

void before_open(std::function<void()> deed) { deed_before_open = std::move(deed); }

bool has_failed() {
    failing[0] = 0;
    return happened;
}

}  // namespace reeve

#define STAND_IN(name, declaration, values)   \
    extern "C" int __real_##name declaration; \
    extern "C" int __wrap_##name declaration; \
    extern "C" int __wrap_##name declaration { return fails(#name) ? -1 : __real_##name values; }

STAND_IN(pipe2, (int* ends, int flags), (ends, flags))
STAND_IN(fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
STAND_IN(dup2, (int from, int to), (from, to))
STAND_IN(setgroups, (std::size_t size, const gid_t* list), (size, list))
STAND_IN(setgid, (gid_t gid), (gid))
STAND_IN(setuid, (uid_t uid), (uid))
STAND_IN(chdir, (const char* path), (path))
STAND_IN(execve, (const char* path, char* const* argv, char* const* envp), (path, argv, envp))
STAND_IN(listen, (int fd, int backlog), (fd, backlog))

STAND_IN(socket, (int family, int type, int protocol), (family, type, protocol))
STAND_IN(bind, (int fd, const sockaddr* address, socklen_t size), (fd, address, size))
STAND_IN(fchmod, (int fd, mode_t mode), (fd, mode))
STAND_IN(fchownat, (int at, const char* path, uid_t uid, gid_t gid, int flags), (at, path, uid, gid, flags))
STAND_IN(renameat, (int from_at, const char* from, int to_at, const char* to), (from_at, from, to_at, to))
STAND_IN(ftruncate64, (int fd, off64_t size), (fd, size))
STAND_IN(unlinkat, (int at, const char* path, int flags), (at, path, flags))

extern "C" int __real_fcntl64(int fd, int command, ...);
extern "C" int __wrap_fcntl64(int fd, int command, ...);
extern "C" int __wrap_fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return fails("fcntl") ? -1 : __real_fcntl64(fd, command, argument);
}

extern "C" int __real_clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
extern "C" int __wrap_clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
extern "C" int __wrap_clone(int (*run)(void*), void* stack, int flags, void* argument, ...) {
    return fails("clone") ? -1 : __real_clone(run, stack, flags, argument);
}

extern "C" int __real_openat64(int at, const char* path, int flags, ...);
extern "C" int __wrap_openat64(int at, const char* path, int flags, ...);
extern "C" int __wrap_openat64(int at, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (deed_before_open && (flags & O_PATH) == 0) std::exchange(deed_before_open, nullptr)();
    return fails("openat") ? -1 : __real_openat64(at, path, flags, mode);
}
