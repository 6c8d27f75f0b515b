// Quoting, splitting, signals and log lines, against what the reference prints and accepts.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "common/base/log_line.hpp"
#include "common/base/unique_fd.hpp"
#include "common/text/py_repr.hpp"
#include "common/text/shell_split.hpp"
#include "common/text/signals.hpp"

using namespace reeve;
using namespace std::string_literals;

namespace {

struct Split {
    SplitResult result;
    std::vector<std::string> words;
};
Split split(std::string_view command) {
    Split out{};
    out.result = shell_split(command, out.words);
    return out;
}
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("py_repr quotes as users know it") {
    CHECK(py_repr("") == "''");
    CHECK(py_repr("plain") == "'plain'");
    CHECK(py_repr("it's") == "\"it's\"");
    CHECK(py_repr("say \"x\"") == "'say \"x\"'");
    CHECK(py_repr("it's \"x\"") == "'it\\'s \"x\"'");
    CHECK(py_repr("a\\b\t\n\r") == "'a\\\\b\\t\\n\\r'");
    CHECK(py_repr("\0\x1b\x7f"s) == "'\\x00\\x1b\\x7f'");
    CHECK(py_repr("\u00e9\u00a0\u00ad") == "'\u00e9\\xa0\\xad'");
    CHECK(py_repr("\u20ac") == "'\u20ac'");
    CHECK(py_repr("\u200b\u2028") == "'\\u200b\\u2028'");
    CHECK(py_repr("\ue000\ufeff") == "'\\ue000\\ufeff'");
    CHECK(py_repr("\U0001f600\U000e0001") == "'\U0001f600\\U000e0001'");
    CHECK(py_repr("caf\xc3") == "'caf\\xc3'");
}

TEST_CASE("py_repr_bytes shows every byte beyond ASCII as a number") {
    CHECK(py_repr_bytes("") == "b''");
    CHECK(py_repr_bytes("it's\0\xff\\"s) == "b\"it's\\x00\\xff\\\\\"");
    CHECK(py_repr_bytes("\xc3\xa9\n") == "b'\\xc3\\xa9\\n'");
}

TEST_CASE("UTF-8: overlong forms, surrogates and cut sequences are invalid") {
    CHECK(is_utf8("a\u00e9\u20ac\U0001f600"));
    for (const char* bad :
         {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "\x80", "\xc3", "\xe2\x82", "\xe2\x28\xa1", "\xff"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_utf8(bad));
    }
    CHECK(count_characters("a\u00e9\U0001f600") == 3);
    CHECK(count_characters("\xe2\x82") == 2);
}

TEST_CASE("shell_split splits as a shell quotes, and does nothing else of a shell") {
    CHECK(split("/bin/cat -u").words == Words{"/bin/cat", "-u"});
    CHECK(split("  a\t b\nc\r ").words == Words{"a", "b", "c"});
    CHECK(split("").words.empty());
    CHECK(split("a '' \"\" b").words == Words{"a", "", "", "b"});
    CHECK(split("bash -c \"exit 1\"").words == Words{"bash", "-c", "exit 1"});
    CHECK(split("x'y'\"z\"\\ w").words == Words{"xyz w"});
    CHECK(split(R"("\"\\\n$")").words == Words{R"("\\n$)"});
    CHECK(split(R"('a\b')").words == Words{R"(a\b)"});
    CHECK(split("a # b $HOME *").words == Words{"a", "#", "b", "$HOME", "*"});
    CHECK(split("a 'b").result == SplitResult::NoClosingQuotation);
    CHECK(split("a \"b").result == SplitResult::NoClosingQuotation);
    CHECK(split("a \\").result == SplitResult::NoEscapedCharacter);
    CHECK(split("a \"b\\").result == SplitResult::NoEscapedCharacter);
}

TEST_CASE("signals are known by name, by number, and by their other names") {
    CHECK(parse_signal("TERM") == 15);
    CHECK(parse_signal("sigterm") == 15);
    CHECK(parse_signal(" 9 ") == 9);
    CHECK(parse_signal("+9") == 9);
    CHECK(parse_signal("0") == 0);
    CHECK(parse_signal("CLD") == 17);
    CHECK(parse_signal("RTMIN") == 34);
    for (const char* bad :
         {"", " ", "SIG", "nope", "32", "33", "65", "-1", "9x", "SIGSIGTERM", "15.0", "99999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_signal(bad).has_value());
    }
    CHECK(signal_name(15) == "SIGTERM");
    CHECK(signal_name(17) == "SIGCHLD");
    CHECK(signal_name(64) == "SIGRTMAX");
    CHECK(signal_name(35) == "signal 35");
    for (int signo = 1; signo <= 64; ++signo) {
        if (auto parsed = parse_signal(std::to_string(signo)))
            CHECK(parse_signal(signal_name(*parsed)) == signo);
    }
}

TEST_CASE("an end is described by its wait status") {
    CHECK(describe_exit(0) == "exit status 0");
    CHECK(describe_exit(127 << 8) == "exit status 127");
    CHECK(describe_exit(15) == "terminated by SIGTERM");
    CHECK(describe_exit(11 | 0x80) == "terminated by SIGSEGV (core dumped)");
    CHECK(describe_exit(0x137F) == "unknown termination cause 0x137f");
    CHECK(errno_name(ENOENT) == "ENOENT");
    CHECK(errno_name(9999) == "9999");
}

TEST_CASE("a log line has the time to the millisecond, the level, the text, and is cut at the limit") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd in(ends[0]), out(ends[1]);
    write_line(out.get(), Level::Warn, "hello");
    char line[kMaxText + 100];
    ssize_t got = ::read(in.get(), line, sizeof line);
    REQUIRE(got > 0);
    std::string text(line, static_cast<std::size_t>(got));
    CHECK(text.size() == std::string("2024-01-02 03:04:05,678 WARN hello\n").size());
    CHECK(text.substr(4, 1) == "-");
    CHECK(text.substr(19, 1) == ",");
    CHECK(text.substr(23) == " WARN hello\n");
    write_line(out.get(), Level::Info, std::string(kMaxText + 1, 'x'));
    CHECK(::read(in.get(), line, sizeof line) == 29 + static_cast<ssize_t>(kMaxText) + 1);
    CHECK(level_name(static_cast<Level>(77)) == "????"s);
}

TEST_CASE("a line bears the time when it was said, unless the clock was set meanwhile") {
    constexpr std::int64_t kNow = 1'795'218'653'200'123;
    std::uint32_t stamp = line_stamp(kNow);
    CHECK(line_age_ms(stamp, kNow) == 0);
    CHECK(line_age_ms(stamp, kNow + 1'500'000) == 1500);
    CHECK(line_age_ms(stamp, kNow + 3'600'000'000) == 3'600'000);
    CHECK(line_age_ms(stamp, kNow - 1'000) == 0);
    CHECK(line_age_ms(stamp, kNow - 3'600'000'000) == 0);
    CHECK(line_age_ms(0, kNow) == 0);
    // The 32 bits run over every 49 days.
    constexpr std::int64_t kTurn = (std::int64_t{1} << 32) * 1000 * 400;
    CHECK(line_stamp(kTurn) == 1);
    CHECK(line_age_ms(line_stamp(kTurn - 5'000), kTurn + 5'000) == 10);
    char now[64], old[64];
    std::string_view text(now, line_prefix(now, Level::Info));
    std::string_view before(old, line_prefix(old, Level::Info, 10'000));
    CHECK(text.size() == before.size());
    CHECK(before < text);
}

TEST_CASE("a descriptor has one owner") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd other(ends[1]);
    {
        UniqueFd one(ends[0]);
        UniqueFd two(static_cast<UniqueFd&&>(one));
        CHECK(two.get() == ends[0]);
        UniqueFd& self = two;
        two = static_cast<UniqueFd&&>(self);
        CHECK(two.valid());
    }
    CHECK(::fcntl(ends[0], F_GETFD) == -1);
}
