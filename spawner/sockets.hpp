// The listening sockets of the HTTP servers. They are opened once, stay open here while fronts come and go,
// and a unix socket whose file somebody removes is made anew.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Makes a server's unix socket: complete under PATH.PID first, then linked to its name. Answers 0 or errno;
// EEXIST: something is there. *chown_failed: which call it was.
int make_unix_listener(const SpawnerImage& image, const ListenerRec& rec, Listener& out, bool* chown_failed);

// Begins to watch the file of a server, if it has one. Without inotify it is just not made anew.
void watch_socket(State& state, std::uint32_t id);

// inotify has something: some file changed, which is looked at a little later.
void on_socket_event(State& state);
void look_after_sockets(State& state, std::uint64_t now, std::uint64_t& next);

// Unlinks the files of the unix sockets, if they are still ours, and closes all.
void remove_sockets(State& state);

}  // namespace reeve
