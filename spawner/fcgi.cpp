// FastCGI sockets. See fcgi.hpp.
#include "spawner/fcgi.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "spawner/say.hpp"
#include "spawner/unix_socket.hpp"

namespace reeve {
namespace {

int open_socket(const SpawnerImage& image, const FcgiRec& rec, UniqueFd& out) {
    if (rec.resolve_error != 0) return EADDRNOTAVAIL;
    if (rec.address.family == AF_UNIX) {
        const char* path = image.c_str(rec.path);
        // Like the reference: what is left of an earlier life is replaced. Unlike it: only sockets.
        struct stat there {};
        if (::lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode)) return EADDRINUSE;
        if (::unlink(path) != 0 && errno != ENOENT) return errno;
        out = bind_unix(path, SOCK_STREAM, rec.mode, rec.uid, rec.gid);
        if (!out.valid()) return errno;
    } else {
        out.reset(::socket(static_cast<int>(rec.address.family), SOCK_STREAM | SOCK_CLOEXEC, 0));
        constexpr int on = 1;
        if (!out.valid() || ::setsockopt(out.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
            ::bind(out.get(), reinterpret_cast<const sockaddr*>(rec.address.bytes), rec.address.length) !=
                0) {
            return errno;
        }
    }
    return ::listen(out.get(), static_cast<int>(rec.backlog)) == 0 ? 0 : errno;
}

}  // namespace

int hold_fcgi_socket(State& state, Slot& slot, std::uint32_t index, int& fd) {
    FcgiSocket* place = nullptr;
    for (FcgiSocket& socket : state.fcgi) {
        bool same = socket.users > 0 && socket.generation == slot.generation && socket.index == index;
        if (same || socket.users == 0) place = &socket;
        if (same) break;
    }
    if (place == nullptr) return EMFILE;
    if (place->users == 0) {
        const SpawnerImage& image = state.table.image_of(slot);
        const FcgiRec& rec = image.fcgi(index);
        say(state, Level::Info, "Creating socket %s", image.c_str(rec.url));
        UniqueFd made;
        if (int error = open_socket(image, rec, made)) return error;
        *place = {slot.generation, index, 0, static_cast<UniqueFd&&>(made)};
    }
    ++place->users;
    slot.fcgi = static_cast<std::uint32_t>(place - state.fcgi.data());
    fd = place->fd.get();
    return 0;
}

void release_fcgi_socket(State& state, Slot& slot) {
    if (slot.fcgi == kAbsent) return;
    FcgiSocket& socket = state.fcgi[slot.fcgi];
    slot.fcgi = kAbsent;
    if (--socket.users > 0) return;
    const SpawnerImage& image = state.table.image_of(slot);
    say(state, Level::Info, "Closing socket %s", image.c_str(image.fcgi(socket.index).url));
    socket.fd.reset();
}

}  // namespace reeve
