// Unix sockets in the file system. See unix_socket.hpp.
#include "spawner/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>

#include "common/base/image.hpp"

namespace reeve {
namespace {

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

bool unix_address(const char* path, sockaddr_un& out) {
    out.sun_family = AF_UNIX;
    errno = ENAMETOOLONG;
    return std::snprintf(out.sun_path, sizeof out.sun_path, "%s", path) < int{sizeof out.sun_path};
}

UniqueFd bind_unix(const char* path, int type, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                   bool* chown_failed) {
    sockaddr_un address{};
    if (!unix_address(path, address)) return UniqueFd();
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    // The file takes the socket's mode when it is made; a chmod afterwards would leave a gap.
    if (!fd.valid() || ::fchmod(fd.get(), mode & 0777) != 0) return UniqueFd();
    mode_t before = ::umask(0);
    bool bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::umask(before);
    if (!bound) return UniqueFd();
    if ((uid != kAbsent || gid != kAbsent) && !change_owner(path, uid, gid)) {
        int error = errno;
        ::unlink(path);
        errno = error;
        fd.reset();
        if (chown_failed != nullptr) *chown_failed = true;
    }
    return fd;
}

}  // namespace reeve
