// The catalogue as it stands on the wire. A change of any number here breaks parts of different builds
// talking to each other and needs another kProtocol; a new message needs a row here.
#include "common/base/messages.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>

using namespace reeve;

namespace {

struct Golden {
    std::string_view name;
    std::uint16_t type;
    Edge edge;
    std::uint32_t body;
    std::uint32_t tail;
    unsigned fewest_fds;
    unsigned most_fds;
};
constexpr Golden kGolden[] = {
    {"HELLO", 1, Edge::SE, 24, 0, 0, 0},         {"PEER", 2, Edge::SE, 4, 0, 1, 1},
    {"CONFIG", 3, Edge::SE, 8, 0, 1, 1},         {"CONFIG_FAILED", 4, Edge::SE, 4, 8192, 0, 0},
    {"GROUP", 5, Edge::SE, 12, 0, 0, 0},         {"SLOT", 6, Edge::SE, 112, 0, 0, 2},
    {"SLOTS_END", 7, Edge::SE, 8, 0, 0, 0},      {"SPAWNED", 8, Edge::SE, 40, 0, 0, 2},
    {"SPAWN_FAILED", 9, Edge::SE, 16, 0, 0, 0},  {"CHECKED", 10, Edge::SE, 16, 0, 0, 0},
    {"EXITED", 11, Edge::SE, 16, 0, 0, 0},       {"KILL_RESULT", 12, Edge::SE, 16, 0, 0, 0},
    {"SIGNAL", 13, Edge::SE, 4, 0, 0, 0},        {"READY", 20, Edge::ES, 0, 0, 0, 0},
    {"RELOAD", 21, Edge::ES, 0, 0, 0, 0},        {"ACTIVATE", 22, Edge::ES, 12, 0, 0, 0},
    {"DEACTIVATE", 23, Edge::ES, 12, 0, 0, 0},   {"SPAWN", 24, Edge::ES, 4, 0, 0, 0},
    {"CHECK", 25, Edge::ES, 4, 0, 0, 0},         {"KILL", 26, Edge::ES, 12, 0, 0, 0},
    {"ACK_EXIT", 27, Edge::ES, 4, 0, 0, 0},      {"NOTE", 28, Edge::ES, 68, 0, 0, 0},
    {"FINISH", 29, Edge::ES, 16, 0, 0, 0},       {"STOPPING", 30, Edge::ES, 4, 0, 0, 0},
    {"L_HELLO", 40, Edge::SL, 24, 0, 0, 0},      {"L_PEER", 41, Edge::SL, 4, 0, 1, 1},
    {"STREAM", 42, Edge::SL, 40, 255, 0, 2},     {"LOGFILE", 43, Edge::SL, 16, 0, 0, 1},
    {"DRAIN", 44, Edge::SL, 4, 0, 0, 0},         {"OPEN", 50, Edge::LS, 8, 0, 0, 0},
    {"S_DRAINED", 51, Edge::LS, 4, 0, 0, 0},     {"R_HELLO", 60, Edge::SR, 24, 0, 0, 0},
    {"R_PEER", 61, Edge::SR, 4, 0, 1, 1},        {"LISTENER", 62, Edge::SR, 36, 4096, 1, 1},
    {"START", 63, Edge::SR, 4, 64, 0, 0},       {"CALL", 70, Edge::RE, 24, 65536, 0, 0},
    {"CALL_MORE", 71, Edge::RE, 0, 65536, 0, 0}, {"PULL", 72, Edge::RE, 0, 0, 0, 0},
    {"CANCEL", 73, Edge::RE, 0, 0, 0, 0},        {"REPLY", 80, Edge::ER, 16, 65536, 0, 0},
    {"LINE", 90, Edge::EL, 4, 8192, 0, 0},       {"APPEND", 91, Edge::EL, 8, 65536, 0, 0},
    {"READ", 92, Edge::EL, 24, 0, 0, 0},         {"CLEAR", 93, Edge::EL, 8, 0, 0, 0},
    {"REOPEN_ALL", 94, Edge::EL, 0, 0, 0, 0},    {"FOLLOW", 95, Edge::EL, 8, 0, 0, 0},
    {"FOLLOW_MORE", 96, Edge::EL, 0, 0, 0, 0},   {"FOLLOW_END", 97, Edge::EL, 0, 0, 0, 0},
    {"SYNC", 98, Edge::EL, 0, 0, 0, 0},          {"OUTPUT", 100, Edge::LE, 8, 65536, 0, 0},
    {"COMM", 101, Edge::LE, 16, 65536, 0, 0},    {"BYTES", 102, Edge::LE, 0, 65536, 0, 0},
    {"DONE", 103, Edge::LE, 32, 0, 0, 0},        {"DRAINED", 104, Edge::LE, 4, 0, 0, 0},
    {"LOST", 105, Edge::LE, 16, 0, 0, 0},
};

}  // namespace

TEST_CASE("the catalogue is the golden one") {
    for (const Golden& golden : kGolden) {
        CAPTURE(golden.name);
        const MessageRow* row = find_message(golden.type);
        REQUIRE(row != nullptr);
        CHECK(row->name == golden.name);
        CHECK(row->edge == golden.edge);
        CHECK(row->body_size == golden.body);
        CHECK(row->tail_limit == golden.tail);
        CHECK(row->fewest_fds == golden.fewest_fds);
        CHECK(row->most_fds == golden.most_fds);
    }
}

TEST_CASE("no message is without a golden row") {
    std::size_t rows = 0;
    for (unsigned type = 0; type <= 0xFFFF; ++type) {
        if (find_message(static_cast<std::uint16_t>(type)) != nullptr) ++rows;
    }
    CHECK(rows == std::size(kGolden));
}

TEST_CASE("a type that the catalogue lacks has no row, but a name for log lines") {
    CHECK(find_message(0) == nullptr);
    CHECK(find_message(0xFFFF) == nullptr);
    CHECK(message_name(0xFFFF) == std::string_view("unknown"));
    CHECK(message_name(24) == std::string_view("SPAWN"));
}

TEST_CASE("streams of slots never meet those beyond the slots") {
    CHECK(stream_of(0, false) == 0);
    CHECK(stream_of(7, true) == 15);
    CHECK(stream_of(kMaxSlots - 1, true) < kMainLogStream);
}
