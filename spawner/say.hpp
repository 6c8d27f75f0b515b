// The spawner's own lines in the main log: start-up, deaths of parts, orphans. Everything else is said by the
// engine through the log writer.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Writes one line, if loglevel wants it, to the main log (or syslog) and in the foreground to stdout. Never
// blocks on a pipe whose reader sleeps: then the line is lost there.
void say_text(const State& state, Level level, std::string_view text);
[[gnu::format(printf, 3, 4)]] void say(const State& state, Level level, const char* format, ...);

// A datagram socket connected to the system logger; invalid if there is none.
UniqueFd connect_syslog();

// "exit status 1", "terminated by SIGKILL", "terminated by SIGSEGV (core dumped)".
struct HowEnded {
    char text[64];
};
HowEnded how_ended(int wait_status);

}  // namespace reeve
