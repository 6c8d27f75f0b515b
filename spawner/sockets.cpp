// Listening sockets after the start. See sockets.hpp.
#include "spawner/sockets.hpp"

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "spawner/say.hpp"
#include "spawner/unix_socket.hpp"

namespace reeve {
namespace {

constexpr int kBacklog = 1024;
constexpr std::uint64_t kLookAfterMs = 500;
constexpr std::uint64_t kLookAgainMs = 5'000;

const char* path_of(const State& state, std::uint32_t id) {
    const SpawnerImage& image = state.table.boot();
    const ListenerRec& rec = image.listener(id);
    return rec.address.family == AF_UNIX ? image.c_str(rec.path) : nullptr;
}

// False: its file is gone and cannot be made anew. Whatever is there now, ours or another's, is left alone.
bool is_there(State& state, std::uint32_t id) {
    Listener& listener = state.listeners[id];
    const char* path = path_of(state, id);
    struct stat status {};
    if (path == nullptr || ::lstat(path, &status) == 0) return true;
    const SpawnerImage& image = state.table.boot();
    Listener made;
    if (int error = make_unix_listener(image, image.listener(id), made, nullptr)) {
        if (!listener.missed)
            say(state, Level::Warn, "the socket %s is gone and cannot be made anew: %s", path,
                std::strerror(error));
        listener.missed = true;
        return false;
    }
    listener = static_cast<Listener&&>(made);  // with the old file, its watch ends
    listener.untold = state.rpc.told;
    watch_socket(state, id);
    say(state, Level::Info, "the socket %s was gone and is made anew", path);
    return true;
}

}  // namespace

int make_unix_listener(const SpawnerImage& image, const ListenerRec& rec, Listener& out, bool* chown_failed) {
    const char* path = image.c_str(rec.path);
    char temporary[PATH_MAX];
    if (std::snprintf(temporary, sizeof temporary, "%s.%d", path, static_cast<int>(::getpid())) >= PATH_MAX)
        return ENAMETOOLONG;
    ::unlink(temporary);
    UniqueFd fd = bind_unix(temporary, SOCK_STREAM | SOCK_NONBLOCK, rec.mode, rec.uid, rec.gid, chown_failed);
    if (!fd.valid()) return errno;
    struct stat status {};
    int error = 0;
    if (::listen(fd.get(), kBacklog) != 0 || ::lstat(temporary, &status) != 0 || ::link(temporary, path) != 0)
        error = errno;
    ::unlink(temporary);
    if (error != 0) return error;
    out.fd = static_cast<UniqueFd&&>(fd);
    out.device = status.st_dev;
    out.inode = status.st_ino;
    return 0;
}

// The file itself is watched, not its directory: a busy /run or /tmp would wake an idle daemon all the time.
void watch_socket(State& state, std::uint32_t id) {
    const char* path = path_of(state, id);
    if (path == nullptr) return;
    if (!state.inotify.valid()) state.inotify.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ::inotify_add_watch(state.inotify.get(), path,
                        IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW);
}

void on_socket_event(State& state) {
    alignas(inotify_event) char events[4096];
    ssize_t got = ::read(state.inotify.get(), events, sizeof events);
    if (got <= 0) return;
    state.look_at_sockets = mono_ms() + kLookAfterMs;  // which file it was does not matter: there are few
}

void look_after_sockets(State& state, std::uint64_t now, std::uint64_t& next) {
    if (state.look_at_sockets == 0 || state.finishing) return;
    if (now >= state.look_at_sockets) {
        bool all = true;
        for (std::uint32_t id = 0; id < state.listener_count; ++id) all = is_there(state, id) && all;
        state.look_at_sockets = all ? 0 : now + kLookAgainMs;
    }
    if (state.look_at_sockets != 0) next = std::min(next, state.look_at_sockets);
}

void remove_sockets(State& state) {
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        Listener& listener = state.listeners[id];
        const char* path = path_of(state, id);
        struct stat there {};
        if (path != nullptr && ::lstat(path, &there) == 0 && there.st_dev == listener.device &&
            there.st_ino == listener.inode)
            ::unlink(path);
        listener.fd.reset();
    }
}

}  // namespace reeve
