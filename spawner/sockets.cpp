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
constexpr std::uint32_t kLongestRetryS = 60;

const char* path_of(const State& state, std::uint32_t id) {
    const SpawnerImage& image = state.table.boot();
    const ListenerRec& rec = image.listener(id);
    return rec.address.family == AF_UNIX ? image.c_str(rec.path) : nullptr;
}

bool is_ours(const Listener& listener, const char* path) {
    struct stat status {};
    return listener.inode != 0 && ::lstat(path, &status) == 0 && status.st_dev == listener.device &&
           status.st_ino == listener.inode;
}

// The file itself is watched, not its directory: a busy /run or /tmp would wake an idle daemon all the time.
void watch(State& state, std::uint32_t id) {
    if (!state.inotify.valid()) return;
    state.listeners[id].watch = ::inotify_add_watch(
        state.inotify.get(), path_of(state, id), IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW);
}

void look_at(State& state, std::uint32_t id, std::uint64_t now) {
    Listener& listener = state.listeners[id];
    const char* path = path_of(state, id);
    struct stat status {};
    listener.retry_at = 0;
    // Whatever is there now, ours or another's, is left alone.
    if (::lstat(path, &status) == 0) return;
    const SpawnerImage& image = state.table.boot();
    Listener made;
    if (int error = make_unix_listener(image, image.listener(id), made, nullptr)) {
        if (listener.retry_s == 0)
            say(state, Level::Warn, "the socket %s is gone and cannot be made anew: %s", path,
                std::strerror(error));
        listener.retry_s = std::min(listener.retry_s == 0 ? 1 : listener.retry_s * 2, kLongestRetryS);
        listener.retry_at = now + std::uint64_t{listener.retry_s} * 1000;
        return;
    }
    if (listener.watch >= 0) ::inotify_rm_watch(state.inotify.get(), listener.watch);
    listener = static_cast<Listener&&>(made);
    listener.untold = state.rpc.told();
    watch(state, id);
    say(state, Level::Info, "the socket %s was gone and is made anew", path);
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

void watch_sockets(State& state) {
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        if (path_of(state, id) == nullptr) continue;
        if (!state.inotify.valid()) state.inotify.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        watch(state, id);
    }
}

void on_socket_event(State& state) {
    alignas(inotify_event) char events[4096];
    ssize_t got = ::read(state.inotify.get(), events, sizeof events);
    if (got <= 0) return;
    // Which file it was does not matter: there are few.
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        if (path_of(state, id) != nullptr && state.listeners[id].retry_at == 0)
            state.listeners[id].retry_at = mono_ms() + kLookAfterMs;
    }
}

void look_after_sockets(State& state, std::uint64_t now, std::uint64_t& next) {
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        Listener& listener = state.listeners[id];
        if (state.finishing || listener.retry_at == 0) continue;
        if (now >= listener.retry_at) look_at(state, id, now);
        if (listener.retry_at != 0) next = std::min(next, listener.retry_at);
    }
}

void remove_sockets(State& state) {
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        const char* path = path_of(state, id);
        if (path != nullptr && is_ours(state.listeners[id], path)) ::unlink(path);
        state.listeners[id].fd.reset();
    }
}

}  // namespace reeve
