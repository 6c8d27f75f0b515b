// The tree of event types and their names, as events= accepts them and as event headers show them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/image.hpp"

namespace reeve {

// "PROCESS_STATE_RUNNING"; "" for Count and beyond.
std::string_view event_type_name(EventType type);

// The type of a name in any case; nullopt if there is none.
std::optional<EventType> parse_event_type(std::string_view name);

// The next type up in the tree; EventType::Event is its own parent.
EventType event_type_parent(EventType type);

constexpr std::uint64_t event_bit(EventType type) {
    return std::uint64_t{1} << static_cast<std::uint32_t>(type);
}

// How many of the subscriptions (bits as event_bit) match a type: its own bit and those of its ancestors.
int match_count(std::uint64_t subscriptions, EventType type);

}  // namespace reeve
