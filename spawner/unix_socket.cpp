// Unix sockets in the file system. See unix_socket.hpp.
#include "spawner/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/base/image.hpp"

namespace reeve {
namespace {

bool to_address(const char* path, sockaddr_un& out) {
    std::size_t length = std::strlen(path);
    if (length >= sizeof out.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    out.sun_family = AF_UNIX;
    std::memcpy(out.sun_path, path, length + 1);
    return true;
}

// By an O_PATH descriptor, so that what is changed is the socket and no link that was put in its place.
bool change_owner(const char* path, std::uint32_t uid, std::uint32_t gid) {
    UniqueFd file(::open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0) return false;
    if (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink != 1) {
        errno = EPERM;
        return false;
    }
    return ::fchownat(file.get(), "", uid, gid, AT_EMPTY_PATH) == 0;
}

}  // namespace

UniqueFd bind_unix(const char* path, int type, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                   bool* chown_failed) {
    sockaddr_un address{};
    UniqueFd fd;
    if (!to_address(path, address)) return fd;
    fd.reset(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    // The file takes the socket's mode when it is made; a chmod afterwards would leave a gap.
    if (!fd.valid() || ::fchmod(fd.get(), mode & 0777) != 0) return UniqueFd();
    mode_t before = ::umask(0);
    bool bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::umask(before);
    if (!bound) return UniqueFd();
    if ((uid != kAbsent || gid != kAbsent) && !change_owner(path, uid, gid)) {
        int error = errno;
        ::unlink(path);
        if (chown_failed != nullptr) *chown_failed = true;
        errno = error;
        return UniqueFd();
    }
    return fd;
}

Occupant look_at_socket(const char* path) {
    struct stat status {};
    if (::lstat(path, &status) != 0) return errno == ENOENT ? Occupant::Nothing : Occupant::NoSocket;
    if (!S_ISSOCK(status.st_mode)) return Occupant::NoSocket;
    sockaddr_un address{};
    if (!to_address(path, address)) return Occupant::NoSocket;
    // Connecting to a unix socket does not wait: it is accepted into the queue, the queue is full, or nobody
    // listens. Whoever listens is alive, whether it answers or not.
    UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe.valid()) return Occupant::LiveSocket;
    if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        return Occupant::LiveSocket;
    if (errno == ENOENT) return Occupant::Nothing;
    return errno == ECONNREFUSED ? Occupant::DeadSocket : Occupant::LiveSocket;
}

}  // namespace reeve
