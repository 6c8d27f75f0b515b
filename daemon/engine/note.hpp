// The engine's note in a slot: what a new engine must know of a process to go on where a dead one stopped.
// The spawner keeps these 64 bytes and hands them back with SLOT; it never looks into them. The first half is
// the process's, the second that of its listener pool.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/messages.hpp"

namespace reeve {

constexpr std::uint8_t kNoteVersion = 1;

// Note.flags
constexpr std::uint8_t kNoteStartAfter = 1;  // start again when it has stopped
constexpr std::uint8_t kNoteExitStatus = 2;  // exit_status is set
constexpr std::uint8_t kNoteStopped = 4;     // UNKNOWN: a stop was under way

struct Note {
    std::uint8_t version = kNoteVersion;  // 0: never written
    std::uint8_t state = 0;               // ProcessState / 10; UNKNOWN is 100
    std::uint8_t flags = 0;
    std::uint8_t trouble = 0;  // SpawnError: trouble * 32 + stage
    std::int16_t exit_status = 0;
    std::uint16_t candidate = 0;       // SpawnError; 0xFFFF: none
    std::int16_t error = 0;            // SpawnError
    std::uint16_t failures = 0;        // the retry counter; saturates
    std::uint32_t handled_serial = 0;  // of the last child whose end was reported
    std::uint32_t start_s = 0;         // wall clock of the last attempt, seconds; 0: never
    std::uint32_t stop_s = 0;          // of the last end, seconds; 0: never
    std::int64_t deadline_us = 0;      // CLOCK_MONOTONIC: next try, or SIGKILL; 0: none
};

constexpr std::size_t kPoolNoteSize = 32;
using PoolNote = std::array<std::uint8_t, kPoolNoteSize>;

// Both halves as they are sent, and back. A first half of another version, or never written, has version 0.
void pack_note(const Note& note, const PoolNote& pool, std::uint8_t (&bytes)[kNoteSize]);
Note unpack_note(const std::uint8_t (&bytes)[kNoteSize]);
PoolNote unpack_pool_note(const std::uint8_t (&bytes)[kNoteSize]);

}  // namespace reeve
