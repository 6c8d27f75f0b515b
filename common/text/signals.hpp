// Signals by name and number as the reference knows them on Linux, and how an end by status is described.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reeve {

// "SIGTERM" for 15; 34 is SIGRTMIN, 64 SIGRTMAX; "signal 35" for those without a name of their own.
std::string signal_name(int signo);

// A name with or without SIG, in any case, or a decimal number, blanks around allowed. Only signals that
// have a name, and 0. The aliases CLD, POLL and IOT are known.
std::optional<int> parse_signal(std::string_view text);

// "exit status 1", "terminated by SIGSEGV (core dumped)", "unknown termination cause 0x017f".
std::string describe_exit(int wait_status);

// "ENOENT" for 2; the number if it has no name.
std::string errno_name(int error);

}  // namespace reeve
