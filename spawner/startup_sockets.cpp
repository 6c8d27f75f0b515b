// Opens the servers' sockets at the start: inet servers first, then unix servers, as the reference does. A
// socket file is taken over only if nobody listens on it.
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "spawner/sockets.hpp"
#include "spawner/startup.hpp"
#include "spawner/unix_socket.hpp"

namespace reeve {
namespace {

constexpr int kBacklog = 1024;
constexpr int kTries = 20;

// The first words are the ones that people know; which server it is, and why, follow.
[[noreturn]] void refuse(State& state, const ListenerRec& rec, const char* words, const char* reason) {
    const SpawnerImage& image = state.table.boot();
    char port[16] = "";
    if (rec.address.family != AF_UNIX) std::snprintf(port, sizeof port, ":%u", rec.port);
    refuse_to_start(state, "%s ([%s] %s%s%s%s)", words, image.c_str(rec.section), image.c_str(rec.shown),
                    port, *reason != 0 ? ": " : "", reason);
}

[[noreturn]] void refuse_in_use(State& state, const ListenerRec& rec) {
    refuse(state, rec,
           "Another program is already listening on a port that one of our HTTP servers is configured "
           "to use.  Shut this program down first before starting supervisord.",
           "");
}

[[noreturn]] void refuse_socket(State& state, const ListenerRec& rec, int error) {
    if (error == EADDRINUSE) refuse_in_use(state, rec);
    char words[128];
    const char* name = ::strerrorname_np(error);
    std::snprintf(words, sizeof words, "Cannot open an HTTP server: socket.error reported errno.%s (%d)",
                  name != nullptr ? name : "?", error);
    if (error == ENAMETOOLONG)
        refuse(state, rec, "Cannot open an HTTP server: socket.error reported AF_UNIX path too long", "");
    refuse(state, rec, words, std::strerror(error));
}

void open_inet(State& state, const ListenerRec& rec, Listener& out) {
    if (rec.resolve_error != 0) {
        char words[96];
        std::snprintf(words, sizeof words, "Cannot open an HTTP server: socket.error reported %d",
                      rec.resolve_error);
        refuse(state, rec, words, ::gai_strerror(rec.resolve_error));
    }
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    out.fd.reset(::socket(static_cast<int>(rec.address.family), type, 0));
    int on = 1;
    if (!out.fd.valid() || ::setsockopt(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(out.fd.get(), reinterpret_cast<const sockaddr*>(rec.address.bytes), rec.address.length) != 0 ||
        ::listen(out.fd.get(), kBacklog) != 0) {
        refuse_socket(state, rec, errno);
    }
}

void open_unix(State& state, const SpawnerImage& image, const ListenerRec& rec, Listener& out) {
    const char* path = image.c_str(rec.path);
    for (int i = 0; i < kTries; ++i) {
        bool chown_failed = false;
        int error = make_unix_listener(image, rec, out, &chown_failed);
        if (error == 0) return;
        if (chown_failed) {
            refuse_to_start(
                state,
                "Not permitted to chown %s to uid/gid (%d, %d); adjust \"sockchown\" value in config "
                "file or on command line to values that the current user (uid %u) can successfully "
                "chown (chown= in [%s])",
                path, static_cast<int>(rec.uid), static_cast<int>(rec.gid), ::geteuid(),
                image.c_str(rec.section));
        }
        if (error != EEXIST) refuse_socket(state, rec, error);
        switch (look_at_socket(path)) {
            case Occupant::Nothing: break;  // it has just gone
            case Occupant::LiveSocket: refuse_in_use(state, rec);
            case Occupant::NoSocket:
                refuse_to_start(state,
                                "Cannot open an HTTP server: %s is in the way and is no socket; it is not "
                                "removed for you",
                                path);
            case Occupant::DeadSocket:
                std::fprintf(stderr, "Unlinking stale socket %s\n", path);
                ::unlink(path);
        }
    }
    refuse_in_use(state, rec);
}

}  // namespace

Occupant look_at_socket(const char* path) {
    struct stat status {};
    if (::lstat(path, &status) != 0) return errno == ENOENT ? Occupant::Nothing : Occupant::NoSocket;
    if (!S_ISSOCK(status.st_mode)) return Occupant::NoSocket;
    sockaddr_un address{};
    if (!unix_address(path, address)) return Occupant::NoSocket;
    // Connecting to a unix socket does not wait: it is accepted into the queue, the queue is full, or nobody
    // listens. Whoever listens is alive, whether it answers or not.
    UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe.valid()) return Occupant::LiveSocket;
    if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        return Occupant::LiveSocket;
    if (errno == ENOENT) return Occupant::Nothing;
    return errno == ECONNREFUSED ? Occupant::DeadSocket : Occupant::LiveSocket;
}

void open_sockets(State& state) {
    const SpawnerImage& image = state.table.boot();
    state.listener_count = image.tables().listeners.count;
    state.listeners.reset(new (std::nothrow) Listener[state.listener_count]);
    if (!state.listeners) {
        state.listener_count = 0;
        refuse_to_start(state, "out of memory");
    }
    for (bool unix_turn : {false, true}) {
        for (std::uint32_t id = 0; id < state.listener_count; ++id) {
            const ListenerRec& rec = image.listener(id);
            if ((rec.address.family == AF_UNIX) != unix_turn) continue;
            if (unix_turn) {
                open_unix(state, image, rec, state.listeners[id]);
            } else {
                open_inet(state, rec, state.listeners[id]);
            }
        }
    }
}

}  // namespace reeve
