// Main-log lines without allocation: "YYYY-MM-DD HH:MM:SS,mmm LEVL text\n", local time, as the reference
// writes them; and the end of a process that finds itself wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/messages.hpp"

namespace reeve {

// Four letters for a level ("INFO"); "????" for a number that is none.
const char* level_name(Level level);

// Writes the time stamp and level of a line that was made that many milliseconds ago into out (at least 40
// bytes); returns its length.
std::size_t line_prefix(std::span<char> out, Level level, std::int64_t age_ms = 0);

// When a line was made, for the header of LINE: the lower 32 bits of the wall clock's milliseconds, never 0.
std::uint32_t line_stamp(std::int64_t wall_us);
// How old a line with that stamp is now. 0 if it has none, or one that cannot be: the clock was set.
std::int64_t line_age_ms(std::uint32_t stamp, std::int64_t now_us);

// Writes one whole line to a descriptor with a single write; text beyond kMaxText bytes is cut. Errors are
// not reported: there is nowhere to report them to.
void write_line(int fd, Level level, std::string_view text);

// Ends the process: one line to stderr, then abort. For errors of programming only, never for input.
[[noreturn]] void die(const char* what, const char* detail = "");

}  // namespace reeve

// Like assert, but also in release builds. For what this program itself guarantees, never for input.
#define REEVE_CHECK(condition)                                                 \
    do {                                                                       \
        if (!(condition)) ::reeve::die("check failed: " #condition, __FILE__); \
    } while (false)
