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

// Writes the time stamp and level of a line that is made now into out (at least 40 bytes); returns its length.
std::size_t line_prefix(std::span<char> out, Level level);

// Writes one whole line to a descriptor with a single write; text beyond kMaxText bytes is cut. Errors are
// not reported: there is nowhere to report them to.
void write_line(int fd, Level level, std::string_view text);

// Ends the process: one line to stderr, then abort. For errors of programming only, never for input.
[[noreturn]] void die(const char* what, const char* detail = "");

}  // namespace reeve

// Like assert, but also in release builds. For what this program itself guarantees, never for input.
#define REEVE_CHECK(condition) \
    do { \
        if (!(condition)) ::reeve::die("check failed: " #condition, __FILE__); \
    } while (false)
