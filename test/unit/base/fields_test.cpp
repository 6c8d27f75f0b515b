// Where each number lies in a message. The sizes alone (messages_test.cpp) would not notice two fields that
// have changed places. Every field of every body has a row: a message whose rows do not fill its body fails.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/messages.hpp"

using namespace reeve;

namespace {

struct Field {
    std::string_view body, name;
    std::size_t offset, size;                // as they are
    std::size_t golden_offset, golden_size;  // as they have to be
};
#define F(body, name, offset, size) \
    { #body, #name, offsetof(body, name), sizeof(body::name), offset, size }
constexpr Field kFields[] = {
    F(HelloBody, protocol, 0, 4),
    F(HelloBody, flags, 4, 4),
    F(HelloBody, daemon_pid, 8, 4),
    F(HelloBody, loglevel, 12, 4),
    F(HelloBody, carry, 16, 8),
    F(PeerBody, role, 0, 4),
    F(ConfigBody, generation, 0, 4),
    F(ConfigBody, size, 4, 4),
    F(ConfigFailedBody, exit_status, 0, 4),
    F(GroupBody, generation, 0, 4),
    F(GroupBody, group, 4, 4),
    F(GroupBody, first_slot, 8, 4),
    F(SlotBody, slot, 0, 4),
    F(SlotBody, state, 4, 4),
    F(SlotBody, pid, 8, 4),
    F(SlotBody, wait_status, 12, 4),
    F(SlotBody, start_us, 16, 8),
    F(SlotBody, start_mono_us, 24, 8),
    F(SlotBody, end_us, 32, 8),
    F(SlotBody, fds, 40, 4),
    F(SlotBody, killed, 44, 4),
    F(SlotBody, note, 48, 64),
    F(SlotsEndBody, groups, 0, 4),
    F(SlotsEndBody, slots, 4, 4),
    F(SpawnedBody, slot, 0, 4),
    F(SpawnedBody, pid, 4, 4),
    F(SpawnedBody, start_us, 8, 8),
    F(SpawnedBody, start_mono_us, 16, 8),
    F(SpawnedBody, fds, 24, 4),
    F(SpawnedBody, child_stage, 28, 4),
    F(SpawnedBody, child_errno, 32, 4),
    F(SpawnedBody, zero, 36, 4),
    F(SpawnFailedBody, slot, 0, 4),
    F(SpawnFailedBody, stage, 4, 4),
    F(SpawnFailedBody, error, 8, 4),
    F(SpawnFailedBody, candidate, 12, 4),
    F(ExitedBody, slot, 0, 4),
    F(ExitedBody, wait_status, 4, 4),
    F(ExitedBody, end_us, 8, 8),
    F(KillResultBody, slot, 0, 4),
    F(KillResultBody, signo, 4, 4),
    F(KillResultBody, error, 8, 4),
    F(KillResultBody, zero, 12, 4),
    F(SignalBody, signo, 0, 4),
    F(SpawnBody, slot, 0, 4),
    F(CheckBody, slot, 0, 4),
    F(KillBody, slot, 0, 4),
    F(KillBody, signo, 4, 4),
    F(KillBody, flags, 8, 4),
    F(AckExitBody, slot, 0, 4),
    F(NoteBody, slot, 0, 4),
    F(NoteBody, note, 4, 64),
    F(FinishBody, mode, 0, 4),
    F(FinishBody, zero, 4, 4),
    F(FinishBody, carry, 8, 8),
    F(StoppingBody, mode, 0, 4),
    F(StreamBody, stream, 0, 4),
    F(StreamBody, kind, 4, 4),
    F(StreamBody, slot, 8, 4),
    F(StreamBody, flags, 12, 4),
    F(StreamBody, maxbytes, 16, 8),
    F(StreamBody, backups, 24, 4),
    F(StreamBody, capture_max, 28, 4),
    F(StreamBody, pid, 32, 4),
    F(StreamBody, zero, 36, 4),
    F(OpenBody, stream, 0, 4),
    F(OpenBody, op, 4, 4),
    F(LogfileBody, stream, 0, 4),
    F(LogfileBody, op, 4, 4),
    F(LogfileBody, error, 8, 4),
    F(LogfileBody, flags, 12, 4),
    F(DrainBody, slot, 0, 4),
    F(ListenerBody, id, 0, 4),
    F(ListenerBody, family, 4, 4),
    F(ListenerBody, port, 8, 4),
    F(ListenerBody, flags, 12, 4),
    F(ListenerBody, limits, 16, 20),
    F(ServerLimits, header_line, 0, 4),
    F(ServerLimits, headers, 4, 4),
    F(ServerLimits, body, 8, 4),
    F(ServerLimits, request_seconds, 12, 4),
    F(ServerLimits, connections, 16, 4),
    F(StartBody, listeners, 0, 4),
    F(CallBody, listener, 0, 4),
    F(CallBody, peer_uid, 4, 4),
    F(CallBody, args_size, 8, 4),
    F(CallBody, kind, 12, 2),
    F(CallBody, credentials, 14, 2),
    F(CallBody, method_size, 16, 2),
    F(CallBody, user_size, 18, 2),
    F(CallBody, password_size, 20, 2),
    F(CallBody, address_size, 22, 2),
    F(ReplyBody, kind, 0, 4),
    F(ReplyBody, code, 4, 4),
    F(ReplyBody, mtime, 8, 8),
    F(LineBody, level, 0, 4),
    F(AppendBody, stream, 0, 4),
    F(AppendBody, zero, 4, 4),
    F(ReadBody, stream, 0, 4),
    F(ReadBody, mode, 4, 4),
    F(ReadBody, offset, 8, 8),
    F(ReadBody, length, 16, 8),
    F(ClearBody, stream, 0, 4),
    F(ClearBody, zero, 4, 4),
    F(FollowBody, stream, 0, 4),
    F(FollowBody, history, 4, 4),
    F(OutputBody, stream, 0, 4),
    F(OutputBody, pid, 4, 4),
    F(CommBody, stream, 0, 4),
    F(CommBody, pid, 4, 4),
    F(CommBody, last, 8, 4),
    F(CommBody, zero, 12, 4),
    F(DoneBody, result, 0, 4),
    F(DoneBody, error, 4, 4),
    F(DoneBody, overflow, 8, 4),
    F(DoneBody, zero, 12, 4),
    F(DoneBody, size, 16, 8),
    F(DoneBody, mtime, 24, 8),
    F(LostBody, stream, 0, 4),
    F(LostBody, zero, 4, 4),
    F(LostBody, bytes, 8, 8),
};
#undef F

struct BodyOf {
    std::string_view message, body;
    std::size_t size;
};
constexpr BodyOf kBodies[] = {
#define X(name, number, edge, body, tail, fewest, most) {#name, #body, kBodySize<body>},
    REEVE_MESSAGES(X)
#undef X
};

}  // namespace

TEST_CASE("each field of each message lies where it has to") {
    for (const Field& field : kFields) {
        CAPTURE(field.body);
        CAPTURE(field.name);
        CHECK(field.offset == field.golden_offset);
        CHECK(field.size == field.golden_size);
    }
}

TEST_CASE("no field of a message is without a golden row") {
    for (const BodyOf& message : kBodies) {
        CAPTURE(message.message);
        std::size_t filled = 0;
        for (const Field& field : kFields) {
            if (field.body != message.body) continue;
            CHECK(field.golden_offset == filled);
            filled += field.golden_size;
        }
        CHECK(filled == message.size);
    }
}

TEST_CASE("a message as it lies on the wire, to the byte") {
    KillBody body{0x01020304, 15, kKillGroup | kKillStop};
    const auto* bytes = reinterpret_cast<const unsigned char*>(&body);
    constexpr unsigned char kGolden[] = {4, 3, 2, 1, 15, 0, 0, 0, 3, 0, 0, 0};
    REQUIRE(sizeof body == sizeof kGolden);
    for (std::size_t i = 0; i < sizeof body; ++i) CHECK(bytes[i] == kGolden[i]);
}
