// The tree of event types. See event_types.hpp.
#include "common/text/event_types.hpp"

#include <cstddef>

namespace reeve {

namespace {

struct Row {
    std::string_view name;
    EventType parent;
};

// In the order of EventType.
constexpr Row kRows[] = {
    {"EVENT", EventType::Event},
    {"PROCESS_STATE", EventType::Event},
    {"PROCESS_STATE_STOPPED", EventType::ProcessState},
    {"PROCESS_STATE_EXITED", EventType::ProcessState},
    {"PROCESS_STATE_STARTING", EventType::ProcessState},
    {"PROCESS_STATE_STOPPING", EventType::ProcessState},
    {"PROCESS_STATE_BACKOFF", EventType::ProcessState},
    {"PROCESS_STATE_FATAL", EventType::ProcessState},
    {"PROCESS_STATE_RUNNING", EventType::ProcessState},
    {"PROCESS_STATE_UNKNOWN", EventType::ProcessState},
    {"PROCESS_COMMUNICATION", EventType::Event},
    {"PROCESS_COMMUNICATION_STDOUT", EventType::ProcessCommunication},
    {"PROCESS_COMMUNICATION_STDERR", EventType::ProcessCommunication},
    {"PROCESS_LOG", EventType::Event},
    {"PROCESS_LOG_STDOUT", EventType::ProcessLog},
    {"PROCESS_LOG_STDERR", EventType::ProcessLog},
    {"REMOTE_COMMUNICATION", EventType::Event},
    {"SUPERVISOR_STATE_CHANGE", EventType::Event},
    {"SUPERVISOR_STATE_CHANGE_RUNNING", EventType::SupervisorStateChange},
    {"SUPERVISOR_STATE_CHANGE_STOPPING", EventType::SupervisorStateChange},
    {"TICK", EventType::Event},
    {"TICK_5", EventType::Tick},
    {"TICK_60", EventType::Tick},
    {"TICK_3600", EventType::Tick},
    {"PROCESS_GROUP", EventType::Event},
    {"PROCESS_GROUP_ADDED", EventType::ProcessGroup},
    {"PROCESS_GROUP_REMOVED", EventType::ProcessGroup},
};
constexpr std::size_t kCount = static_cast<std::size_t>(EventType::Count);
static_assert(sizeof kRows / sizeof kRows[0] == kCount);

constexpr char upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

bool same_name(std::string_view given, std::string_view name) {
    if (given.size() != name.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (upper(given[i]) != name[i]) return false;
    }
    return true;
}

}  // namespace

std::string_view event_type_name(EventType type) {
    std::size_t index = static_cast<std::size_t>(type);
    return index < kCount ? kRows[index].name : std::string_view();
}

std::optional<EventType> parse_event_type(std::string_view name) {
    for (std::size_t i = 0; i < kCount; ++i) {
        if (same_name(name, kRows[i].name)) return static_cast<EventType>(i);
    }
    return std::nullopt;
}

EventType event_type_parent(EventType type) {
    std::size_t index = static_cast<std::size_t>(type);
    return index < kCount ? kRows[index].parent : EventType::Event;
}

int match_count(std::uint64_t subscriptions, EventType type) {
    int matches = 0;
    for (;; type = event_type_parent(type)) {
        if ((subscriptions & event_bit(type)) != 0) ++matches;
        if (type == EventType::Event) return matches;
    }
}

}  // namespace reeve
