// The life of a process as one table: in this state, on this event, if the guard holds: do something, change
// the state (which tells the listeners), do something else. The first row that fits counts; an event that no
// row names in a state is ignored there.
#pragma once

#include "daemon/engine/process.hpp"

namespace reeve {

struct StateRow {
    ProcessState state;
    ProcessEvent event;
    bool (Process::*guard)() const;  // nullptr: always
    void (Process::*before)();       // nullptr: nothing
    ProcessState next;               // the same: no change, nobody is told
    void (Process::*after)();
};

// The row for an event, or nullptr if it is ignored.
const StateRow* find_row(const Process& process, ProcessEvent event);

}  // namespace reeve
