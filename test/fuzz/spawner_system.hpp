// The system below the spawner, of paper: processes that exist only in a list, a clock that is moved by hand,
// and calls that fail when told. Linked with --wrap (meson.build lists the calls); files, pipes and sockets
// are real.
//
// What the calls are made with is judged here: whoever is signalled must be a living child, whatever is
// opened, renamed or removed must be a log of the image, and what is executed a program of it; and the heap
// is not used once the loop runs (except in sanitizer builds, which have a heap of their own).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace reeve::fuzz {

enum class Kind { Program, Part, Confread };
struct Process {
    Kind kind;
    int channel =
        -1;  // Part: our end of its channel to the spawner (a duplicate of what it would be born with)
};

// Thrown out of the loop when it waits for the last time, and when the spawner ends.
struct Over {
    bool exited = false;
    int status = 0;
};

struct System {
    std::map<pid_t, Process> living;
    std::vector<std::pair<pid_t, int>> dead;  // not yet reaped: pid, wait status
    std::uint64_t now_us = 1'000'000'000;
    pid_t next_pid = 1000;

    // The next call of this kind fails with this error: see spawner_system.cpp for the names.
    const char* failing = "";
    int failing_error = 0;

    std::string log_folder;  // the only place where files may be touched
    bool executed_itself = false;
    bool inside = false;   // the spawner runs, not the test
    bool leaving = false;  // it is about to execute itself

    // Called when the loop waits; after it the real poll is made without waiting.
    std::function<void()> turn;

    void die(pid_t pid, int wait_status);
    // Back to the state of a fresh process; the memory that the spawner mapped is given back.
    void reset();
};
System& the_system();

[[noreturn]] void broken(const char* rule, const std::string& what = "");

}  // namespace reeve::fuzz
