// The states of a process and of the daemon, with the codes and names that clients see.
#pragma once

#include <cstdint>

namespace reeve {

enum class ProcessState : std::uint16_t {
    Stopped = 0,
    Starting = 10,
    Running = 20,
    Backoff = 30,
    Stopping = 40,
    Exited = 100,
    Fatal = 200,
    Unknown = 1000,
};

// What the daemon as a whole is doing.
enum class Mood : std::int32_t { Running = 1, Restarting = 0, Shutdown = -1 };

constexpr const char* state_name(ProcessState state) {
    switch (state) {
        case ProcessState::Stopped: return "STOPPED";
        case ProcessState::Starting: return "STARTING";
        case ProcessState::Running: return "RUNNING";
        case ProcessState::Backoff: return "BACKOFF";
        case ProcessState::Stopping: return "STOPPING";
        case ProcessState::Exited: return "EXITED";
        case ProcessState::Fatal: return "FATAL";
        case ProcessState::Unknown: return "UNKNOWN";
    }
    return "UNKNOWN";
}

// The three sets that the answers to clients go by. STOPPING is in neither of the first two.
constexpr bool is_stopped(ProcessState state) {
    return state == ProcessState::Stopped || state == ProcessState::Exited || state == ProcessState::Fatal ||
           state == ProcessState::Unknown;
}
constexpr bool is_running(ProcessState state) {
    return state == ProcessState::Running || state == ProcessState::Backoff ||
           state == ProcessState::Starting;
}
constexpr bool is_signallable(ProcessState state) {
    return state == ProcessState::Running || state == ProcessState::Starting ||
           state == ProcessState::Stopping;
}

}  // namespace reeve
