// Everything from main() to the loop, in the reference's order, except that nothing which belongs to a
// running daemon is touched before the sockets and the pidfile's lock are won.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Brings the daemon up: configuration, user, limits, log, sockets, clean-up, signals, daemonizing, pidfile,
// parts. Comes back in the process that shall run the loop; whatever fails ends the process with a sentence
// on stderr and the reference's exit status.
void start_up(State& state);

// "Error: <text>", "For help, use <argv[0]> -h" on stderr; removes what this start has made; exit status 2.
[[noreturn, gnu::format(printf, 2, 3)]] void refuse_to_start(State& state, const char* format, ...);

// ---- steps with a file of their own ----

// Takes over what the life before has left, if there was one. Called first of all
// (startup_configuration.cpp).
void inherit(State& state);
// Maps generation 1, or ends the process with confread's own exit status, which is 0 after -h and -v
// (startup_configuration.cpp).
void read_configuration(State& state);

// Opens the sockets of all servers, or refuses to start (startup_sockets.cpp).
void open_sockets(State& state);

// What is at a path where a socket shall be (startup_sockets.cpp).
enum class Occupant { Nothing, DeadSocket, LiveSocket, NoSocket };
Occupant look_at_socket(const char* path);

// Removes the AUTO logs of earlier lives (startup_cleanup.cpp).
void clean_up_auto_logs(const State& state);

// A path or text as the log shows it: in quotes, with escapes for what cannot be printed
// (startup_cleanup.cpp).
struct Quoted {
    char text[4200];
};
Quoted quote(const char* text);

// Drops the capabilities that are not needed (startup_privileges.cpp).
void trim_capabilities(State& state);
// Changes to the user of [supervisord] (startup_privileges.cpp). Answers the INFO line, or nothing.
bool change_user(State& state);
// Raises RLIMIT_NOFILE and RLIMIT_NPROC to the configured minimum (startup_privileges.cpp).
struct Raised {
    std::uint64_t files, processes;
};  // the new limits, 0: left as they were
Raised raise_limits(State& state);
// Makes the empty directory that the parts are shut into (startup_privileges.cpp).
void make_empty_directory(State& state);

}  // namespace reeve
