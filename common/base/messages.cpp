// The catalogue as a table. See messages.hpp.
#include "common/base/messages.hpp"

namespace reeve {
namespace {

constexpr MessageRow kRows[] = {
#define X(name, number, edge, body, tail, fewest, most) \
    {Msg::name, #name, Edge::edge, static_cast<std::uint32_t>(kBodySize<body>), tail, fewest, most},
    REEVE_MESSAGES(X)
#undef X
};

// Padding would put bytes of this process's memory on the wire.
#define X(name, number, edge, body, tail, fewest, most)                                          \
    static_assert(std::is_empty_v<body> || std::has_unique_object_representations_v<body>,       \
                  #body " has padding");                                                         \
    static_assert(sizeof(Header) + kBodySize<body> + tail <= kMaxMessage, #name " is too long"); \
    static_assert(fewest <= most && most <= kMaxFds);
REEVE_MESSAGES(X)
#undef X

}  // namespace

const MessageRow* find_message(std::uint16_t type) {
    for (const MessageRow& row : kRows) {
        if (static_cast<std::uint16_t>(row.type) == type) return &row;
    }
    return nullptr;
}

const char* message_name(std::uint16_t type) {
    const MessageRow* row = find_message(type);
    return row != nullptr ? row->name : "unknown";
}

}  // namespace reeve
