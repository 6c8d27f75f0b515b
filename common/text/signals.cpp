// Signals by name and number. See signals.hpp.
#include "common/text/signals.hpp"

#include <sys/wait.h>

#include <charconv>
#include <cstdio>
#include <cstring>

namespace reeve {
namespace {

struct Row {
    int number;
    const char* name;  // without SIG
};
// The canonical name comes first for numbers that have two.
constexpr Row kSignals[] = {
    {1, "HUP"},   {2, "INT"},   {3, "QUIT"},  {4, "ILL"},     {5, "TRAP"},    {6, "ABRT"},
    {6, "IOT"},   {7, "BUS"},   {8, "FPE"},   {9, "KILL"},    {10, "USR1"},   {11, "SEGV"},
    {12, "USR2"}, {13, "PIPE"}, {14, "ALRM"}, {15, "TERM"},   {16, "STKFLT"}, {17, "CHLD"},
    {17, "CLD"},  {18, "CONT"}, {19, "STOP"}, {20, "TSTP"},   {21, "TTIN"},   {22, "TTOU"},
    {23, "URG"},  {24, "XCPU"}, {25, "XFSZ"}, {26, "VTALRM"}, {27, "PROF"},   {28, "WINCH"},
    {29, "POLL"}, {29, "IO"},   {30, "PWR"},  {31, "SYS"},    {34, "RTMIN"},  {64, "RTMAX"},
};

}  // namespace

std::string signal_name(int signo) {
    for (const Row& row : kSignals) {
        if (row.number == signo) return std::string("SIG") + row.name;
    }
    return "signal " + std::to_string(signo);
}

std::optional<int> parse_signal(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n\v\f";
    std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(kBlanks) - first + 1);

    int number = -1;
    std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) {
        if (number == 0) return 0;
        for (const Row& row : kSignals) {
            if (row.number == number) return number;
        }
        return std::nullopt;
    }
    std::string upper;
    for (char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    std::string_view name = upper;
    if (name.starts_with("SIG")) name.remove_prefix(3);
    for (const Row& row : kSignals) {
        if (name == row.name) return row.number;
    }
    return std::nullopt;
}

std::string describe_exit(int wait_status) {
    if (WIFEXITED(wait_status)) return "exit status " + std::to_string(WEXITSTATUS(wait_status));
    if (WIFSIGNALED(wait_status)) {
        return "terminated by " + signal_name(WTERMSIG(wait_status)) +
               (WCOREDUMP(wait_status) ? " (core dumped)" : "");
    }
    char text[64];
    std::snprintf(text, sizeof text, "unknown termination cause 0x%04x",
                  static_cast<unsigned>(wait_status) & 0xFFFF);
    return text;
}

std::string errno_name(int error) {
    const char* name = ::strerrorname_np(error);
    return name != nullptr ? name : std::to_string(error);
}

}  // namespace reeve
