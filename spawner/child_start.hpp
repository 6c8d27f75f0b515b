// Starts a program: looks for its file, opens its logs, makes its pipes, clones, and tells engine and log
// writer. What is run and how stands in the image; a request only names the slot.
#pragma once

#include "spawner/state.hpp"

namespace reeve {

// Why a program was not started; stage None if all is well. candidate: which file of the
// command's list it is about; if a log could not be opened, 0 is that of stdout, 1 that of stderr.
struct StartResult {
    Stage stage = Stage::None;
    int error = 0;
    std::uint32_t candidate = kAbsent;
};

// Looks whether the slot's command can be executed, as supervisord sees it, and which file it is.
StartResult check_command(State& state, const Slot& slot);

// Starts the slot's program and answers SPAWNED or SPAWN_FAILED. The slot must be Empty.
void start_child(State& state, Slot& slot);

}  // namespace reeve
