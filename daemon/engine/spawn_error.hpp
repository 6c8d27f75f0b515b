// Why a process did not start or did not end well, in a form that fits into a note, and as the text that
// clients know from `spawnerr`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/messages.hpp"

namespace reeve {

enum class SpawnTrouble : std::uint32_t {
    None = 0,
    NotStarted = 1,  // stage, error, candidate say where it failed
    TooQuick = 2,    // ended before startsecs
    BadExit = 3,     // error is the exit code, -1 for a signal
};

struct SpawnError {
    SpawnTrouble trouble = SpawnTrouble::None;
    Stage stage = Stage::None;
    std::int32_t error = 0;
    std::uint32_t candidate = 0;  // index, of a log 0 or 1, or kAbsent
};

// What the texts name.
struct CommandText {
    std::string process;
    std::string command;  // expanded, not split
    std::string argv0;    // as written
    std::vector<std::string> candidates;
    std::string fcgi_url;             // may be empty
    std::array<std::string, 2> logs;  // of stdout and stderr; may be empty
};

// The text of `spawnerr`; empty for None.
std::string spawn_error_text(const SpawnError& error, const CommandText& names);

}  // namespace reeve
