// Reading and tailing (the tables of the specification), states of a rotation, lines and syslog messages.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <limits>

#include "daemon/logwriter/main_log.hpp"
#include "daemon/logwriter/read_rules.hpp"
#include "daemon/logwriter/rotate.hpp"
#include "daemon/logwriter/syslog.hpp"

using reeve::FileOp;
using reeve::Level;
using reeve::Rotation;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

std::string cut(const reeve::ReadPlan& plan, std::string_view file = "0123456789") {
    REQUIRE(plan.offset >= 0);
    REQUIRE(plan.length >= 0);
    REQUIRE(plan.offset + plan.length <= static_cast<std::int64_t>(file.size()));
    return std::string(
        file.substr(static_cast<std::size_t>(plan.offset), static_cast<std::size_t>(plan.length)));
}

struct Row {
    std::int64_t offset, length;
    const char* text;
    bool overflow;
};

}  // namespace

TEST_CASE("readLog") {
    const Row rows[] = {{0, 0, "0123456789", false}, {0, 4, "0123", false},
                        {4, 0, "456789", false},     {4, 3, "456", false},
                        {8, 10, "89", false},        {10, 0, "", false},
                        {10, 5, "", false},          {50, 5, "", false},
                        {-4, 0, "6789", false},      {-50, 0, "0123456789", false},
                        {kMost, kMost, "", false},   {kLeast, 0, "0123456789", false}};
    for (const Row& row : rows) {
        reeve::ReadPlan plan = reeve::plan_read(row.offset, row.length, 10);
        CHECK(!plan.bad_arguments);
        CHECK(cut(plan) == row.text);
    }
    for (auto [offset, length] : {std::pair{-4, 2}, {-4, -1}, {0, -1}, {5, -5}}) {
        CHECK(reeve::plan_read(offset, length, 10).bad_arguments);
    }
    CHECK(cut(reeve::plan_read(0, 0, 0), "") == "");
}

TEST_CASE("tailLog") {
    const Row rows[] = {{0, 0, "", true},
                        {0, 4, "6789", true},
                        {0, 5, "56789", true},
                        {0, 10, "0123456789", false},
                        {0, 20, "0123456789", false},
                        {4, 3, "789", true},
                        {4, 6, "456789", false},
                        {4, 7, "3456789", false},
                        {8, 2, "89", false},
                        {8, 10, "0123456789", false},
                        {9, 2, "89", false},
                        {10, 0, "", false},
                        {10, 5, "", false},
                        {11, 5, "", false},
                        {50, 5, "", false},
                        {-4, 2, "89", true},
                        {-4, 20, "0123456789", false},
                        {0, -1, "", true},
                        {5, -5, "", true},
                        {20, -5, "", false},
                        {kMost, kMost, "", false},
                        {kLeast, kLeast, "", true},
                        {0, kMost, "0123456789", false}};
    for (const Row& row : rows) {
        CAPTURE(row.offset);
        CAPTURE(row.length);
        reeve::ReadPlan plan = reeve::plan_tail(row.offset, row.length, 10);
        CHECK(cut(plan) == row.text);
        CHECK(plan.overflow == row.overflow);
    }
    CHECK(cut(reeve::plan_tail(0, 5, 0), "") == "");
    CHECK(!reeve::plan_tail(0, 5, 0).overflow);
}

TEST_CASE("a rotation that succeeds") {
    Rotation rotation(100);
    CHECK(!rotation.after_write(99, 0));
    CHECK(!rotation.paused());
    CHECK(rotation.after_write(100, 0) == FileOp::Rotate);
    CHECK(rotation.paused());
    CHECK(rotation.rotating());
    CHECK(!rotation.after_write(100, 0));
    rotation.answered(FileOp::Clear, true, 0);  // somebody else's
    CHECK(rotation.paused());
    rotation.answered(FileOp::Rotate, true, 0);
    CHECK(!rotation.paused());
    CHECK(rotation.after_write(150, 0) == FileOp::Rotate);
}

TEST_CASE("a rotation that fails keeps the old file and is asked for again later, by way of Reopen") {
    Rotation rotation(100);
    CHECK(rotation.after_write(100, 1000) == FileOp::Rotate);
    rotation.answered(FileOp::Rotate, false, 1000);
    CHECK(!rotation.paused());
    CHECK(!rotation.after_write(200, 1000 + Rotation::kRetryMs - 1));
    CHECK(rotation.after_write(200, 1000 + Rotation::kRetryMs) == FileOp::Reopen);
    CHECK(!rotation.rotating());
    rotation.answered(FileOp::Reopen, true, 7000);
    CHECK(rotation.after_write(200, 7000) == FileOp::Rotate);
}

TEST_CASE("no limit, a file without a name, waiting for others, the end") {
    Rotation rotation(0);
    CHECK(!rotation.after_write(kMost, 0));
    CHECK(!rotation.before_write(false, 0));
    CHECK(rotation.before_write(true, 0) == FileOp::Reopen);
    rotation.answered(FileOp::Reopen, false, 0);
    CHECK(!rotation.before_write(true, 1));
    CHECK(rotation.before_write(true, Rotation::kRetryMs) == FileOp::Reopen);
    rotation.answered(FileOp::Reopen, true, 0);
    rotation.wait();
    CHECK(rotation.paused());
    rotation.answered(FileOp::Reopen, true, 0);
    CHECK(rotation.waiting());
    rotation.ask_reopen();
    rotation.answered(FileOp::Reopen, true, 0);
    CHECK(!rotation.paused());
    rotation.wait();
    rotation.give_up();
    CHECK(!rotation.paused());
    CHECK(!rotation.before_write(true, kMost));
}

TEST_CASE("lines for the system logger") {
    std::vector<std::string> lines;
    auto split = [&](std::string_view text) {
        lines.clear();
        reeve::for_each_line(text, [&](std::string_view line) { lines.emplace_back(line); });
        return lines;
    };
    CHECK(split("one\ntwo\n") == std::vector<std::string>{"one", "two"});
    CHECK(split("a\n\nb\n\n") == std::vector<std::string>{"a", "", "b"});
    CHECK(split("\n\n") == std::vector<std::string>{""});
    CHECK(split("  five") == std::vector<std::string>{"  five"});
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    CHECK(reeve::syslog_message(6, "x one", 1795218655) == "<14>Nov 20 23:50:55 supervisord: x one");
    CHECK(reeve::syslog_message(2, std::string_view("a\0b", 3), 1793577600) ==
          "<10>Nov  2 00:00:00 supervisord: a b");
    CHECK(reeve::syslog_severity(Level::Critical) == 2);
    CHECK(reeve::syslog_severity(Level::Error) == 3);
    CHECK(reeve::syslog_severity(Level::Warn) == 4);
    CHECK(reeve::syslog_severity(Level::Info) == 6);
    CHECK(reeve::syslog_severity(Level::Blather) == 7);
}

TEST_CASE("foreign text in a line") {
    CHECK(reeve::escape_controls("two\nlines\tx \x1b[31m\r\x7f\xc3\xa9") ==
          "two\nlines\tx \\x1b[31m\\x0d\\x7f\xc3\xa9");
}
