// The real supervisor-log, sandbox and all, between a spawner and an engine made by the test.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "driver.hpp"

using namespace reeve;
using logtest::Driver;
using logtest::Sent;
using logtest::StreamOptions;

namespace {

std::string joined(const Driver& driver, Msg type) {
    std::string out;
    for (const Sent& sent : driver.from_log) {
        if (sent.type == type) out += sent.tail;
    }
    return out;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

bool drained(const Driver& driver, std::uint32_t serial) {
    return driver.find(Msg::DRAINED, serial) != nullptr;
}

std::string numbered(int first, int last) {
    std::string out;
    char line[32];
    for (int i = first; i <= last; ++i) {
        std::snprintf(line, sizeof line, "line-%08d\n", i);
        out += line;
    }
    return out;
}

}  // namespace

TEST_CASE("a plain stream, and the end of a child") {
    Driver driver;
    driver.put("0.log", "old\n");
    driver.add_stream(0, 7);
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    driver.write(0, bytes);
    CHECK(driver.wait([&] { return driver.text("0.log") == "old\n" + bytes; }));
    // A grandchild still holds the write end.
    driver.write(0, "last words");
    driver.drain(0, 7);
    REQUIRE(driver.wait([&] { return drained(driver, 7); }));
    CHECK(driver.text("0.log") == "old\n" + bytes + "last words");
    REQUIRE(driver.wait([&] { return driver.to_spawner.size() == 1; }));
    CHECK(driver.to_spawner[0].type == Msg::S_DRAINED);
    CHECK(driver.to_spawner[0].serial == 7);
    // A child without streams, or of a log writer before.
    driver.drain(5, 99);
    CHECK(driver.wait([&] { return drained(driver, 99); }));
    // The slot's next child continues the file.
    driver.add_stream(0, 8);
    driver.write(0, "next");
    driver.close_write_end(0);
    driver.drain(0, 8);
    REQUIRE(driver.wait([&] { return drained(driver, 8); }));
    CHECK(driver.text("0.log") == "old\n" + bytes + "last wordsnext");
    CHECK(driver.finish() == 0);
}

TEST_CASE("more than the pipe holds, from two streams at a time") {
    Driver driver;
    driver.add_stream(0, 1);
    driver.add_stream(0, 1, {.kind = StreamKind::Stderr});
    std::string text = numbered(1, 200000);
    std::thread out([&] { driver.write(0, text); });
    std::thread err([&] { driver.write(0, text, true); });
    out.join();
    err.join();
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    CHECK(driver.text("0.log") == text);
    CHECK(driver.text("1.log") == text);
}

TEST_CASE("a truncation by others is respected") {
    Driver driver;
    driver.add_stream(0, 1);
    driver.write(0, "to be cut\n");
    REQUIRE(driver.wait([&] { return driver.text("0.log") == "to be cut\n"; }));
    driver.put("0.log", "");
    driver.write(0, "new\n");
    CHECK(driver.wait([&] { return driver.text("0.log") == "new\n"; }));
}

TEST_CASE("rotation by size, with and without backups") {
    Driver driver;
    driver.add_stream(0, 1, {.maxbytes = 100, .backups = 2});
    driver.add_stream(1, 2, {.maxbytes = 100, .backups = 0});
    auto write = [&](std::uint32_t slot, char c, std::size_t count) {
        driver.write(slot, std::string(count, c));
        driver.settle(slot);
    };
    write(0, 'a', 60);
    write(0, 'b', 39);
    write(0, 'c', 1);
    write(0, 'd', 250);
    write(0, 'e', 99);
    write(0, 'f', 1);
    write(0, 'g', 50);
    CHECK(driver.wait([&] { return driver.text("0.log") == std::string(50, 'g'); }));
    CHECK(driver.text("0.log.1") == std::string(99, 'e') + "f");
    CHECK(driver.text("0.log.2") == std::string(250, 'd'));
    write(1, 'a', 60);
    write(1, 'b', 40);
    write(1, 'c', 30);
    CHECK(driver.wait([&] { return driver.text("2.log") == std::string(30, 'c'); }));
    CHECK(driver.text("2.log.1") == "");
}

TEST_CASE("what comes during a rotation waits") {
    Driver driver;
    driver.hold_opens = true;
    driver.add_stream(0, 1, {.maxbytes = 10, .backups = 5});
    driver.write(0, "0123456789");
    REQUIRE(driver.wait([&] { return driver.opens == 1; }));
    driver.write(0, "abc");
    driver.drain(0, 1);
    driver.pump(100);
    CHECK(driver.text("0.log") == "0123456789");
    CHECK(!drained(driver, 1));
    driver.release_opens();
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    CHECK(driver.text("0.log.1") == "0123456789");
    CHECK(driver.text("0.log") == "abc");
}

TEST_CASE("a rotation that fails keeps the old file in use, and says so once") {
    Driver driver;
    driver.add_main_log();
    driver.failures[{0, FileOp::Rotate}] = EACCES;
    driver.add_stream(0, 1, {.maxbytes = 10, .backups = 5});
    for (int i = 0; i < 5; ++i) {
        driver.write(0, "0123456789");
        driver.settle(0);
    }
    CHECK(driver.text("0.log").size() == 50);
    CHECK(driver.opens == 1);
    std::string main_log = driver.text("main.log");
    CHECK(contains(main_log, " WARN could not rotate the log of 'p0' stdout: Permission denied\n"));
    CHECK(std::count(main_log.begin(), main_log.end(), '\n') == 1);
    driver.failures.clear();
    REQUIRE(driver.wait(
        [&] {
            driver.write(0, "x");
            driver.pump(50);
            return driver.text("0.log").size() < 10;
        },
        8000));
    CHECK(driver.text("0.log.1").substr(0, 50) == "01234567890123456789012345678901234567890123456789");
}

TEST_CASE("a log that was deleted is made anew") {
    Driver driver;
    driver.add_stream(0, 1);
    driver.write(0, "gone");
    REQUIRE(driver.wait([&] { return driver.text("0.log") == "gone"; }));
    REQUIRE(::unlink(driver.path("0.log").c_str()) == 0);
    driver.write(0, "kept");
    CHECK(driver.wait([&] { return driver.text("0.log") == "kept"; }));
}

TEST_CASE("one file for two programs") {
    Driver driver;
    StreamOptions shared{.flags = kStreamShared, .maxbytes = 1000, .backups = 100, .file_name = "both.log"};
    driver.add_stream(0, 1, shared);
    driver.add_stream(1, 2, shared);
    for (int i = 0; i < 200; ++i) {
        driver.write(0, "a" + numbered(i, i));
        driver.write(1, "b" + numbered(i, i));
        if (i % 8 == 0) driver.pump(5);
    }
    driver.drain(0, 1);
    driver.drain(1, 2);
    REQUIRE(driver.wait([&] { return drained(driver, 1) && drained(driver, 2); }));
    std::string all = driver.text("both.log");
    for (int i = 1; i <= 100; ++i) all = driver.text("both.log." + std::to_string(i)) + all;
    std::string a, b;
    for (std::size_t at = 0; at < all.size();) {
        std::size_t end = all.find('\n', at) + 1;
        (all[at] == 'a' ? a : b) += all.substr(at + 1, end - at - 1);
        at = end;
    }
    CHECK(a == numbered(0, 199));
    CHECK(b == numbered(0, 199));
}

TEST_CASE("a kill at any moment neither loses nor doubles a line of a plain stream") {
    Driver driver;
    driver.add_main_log();
    driver.add_stream(0, 1, {.maxbytes = 3'000'000, .backups = 50});
    constexpr int kLines = 1'500'000;
    std::string text = numbered(1, kLines);
    std::thread writer([&] { driver.write(0, text); });
    std::atomic<bool> done = false;
    std::thread watcher([&] {
        writer.join();
        done = true;
    });
    int kills = 0;
    while (!done && kills < 40) {
        driver.pump(5 + kills % 20);
        driver.kill_and_restart();
        ++kills;
    }
    CHECK(driver.wait([&] { return done.load(); }, 20000));
    watcher.join();
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    std::string all = driver.text("0.log");
    for (int i = 1; i <= 50; ++i) {
        std::string older = driver.text("0.log." + std::to_string(i));
        if (older.empty()) break;
        all = older + all;
    }
    MESSAGE(kills << " kills");
    CHECK(kills >= 3);   // how many depends on how busy the machine is
    CHECK(all.size() == text.size());
    CHECK(all == text);
}

TEST_CASE("output that is looked at: escapes, capture, events, in pieces") {
    Driver driver;
    driver.add_stream(0, 1, {.flags = kStreamStripAnsi | kStreamEvents, .capture_max = 1000});
    for (std::string_view piece : {"abc\x1b[3", "1mdef<!--XSUPERVI", "SOR:BEGIN-->pay\x1b[0mload<!--XSUP",
                                   "ERVISOR:END-->the rest of it, at length", "\x1b[0mtail"}) {
        driver.write(0, piece);
        driver.pump(50);
    }
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    CHECK(driver.text("0.log") == "abcdefthe rest of it, at lengthtail");
    CHECK(joined(driver, Msg::OUTPUT) == "abcdefpayloadthe rest of it, at lengthtail");
    CHECK(joined(driver, Msg::COMM) == "payload");
    CHECK(driver.find(Msg::COMM, 1)->as<CommBody>().last == 1);
    CHECK(driver.find(Msg::COMM, 1)->as<CommBody>().pid == logtest::kDriverPid);
    CHECK(driver.find(Msg::OUTPUT, 1)->as<OutputBody>().pid == logtest::kDriverPid);
    CHECK(driver.from_log.back().type == Msg::DRAINED);
}

TEST_CASE("a long communication comes in pieces") {
    Driver driver;
    driver.add_stream(0, 1, {.capture_max = 1'000'000});
    std::string long_text(200'000, 'x');
    driver.write(0, "<!--XSUPERVISOR:BEGIN-->" + long_text + "<!--XSUPERVISOR:END-->");
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    CHECK(joined(driver, Msg::COMM) == long_text);
    int lasts = 0;
    for (const Sent& sent : driver.from_log) {
        if (sent.type == Msg::COMM && sent.as<CommBody>().last != 0) ++lasts;
    }
    CHECK(lasts == 1);
    CHECK(driver.text("0.log") == "");
}

TEST_CASE("a communication whose beginning went to an engine that died is none for the next one") {
    Driver driver;
    driver.add_stream(0, 1, {.capture_max = 4'000'000});
    const std::string begin = "<!--XSUPERVISOR:BEGIN-->", end = "<!--XSUPERVISOR:END-->";
    const std::string after = "more than a token's length\n";
    driver.write(0, begin + std::string(3'000'000, 'x') + end + after);
    // The engine hears nothing; it has the first pieces on its edge when it dies.
    for (int i = 0; i < 6000 && driver.text("0.log") != after; ++i) ::usleep(5'000);
    REQUIRE(driver.text("0.log") == after);
    driver.drop_engine();
    driver.new_engine();
    driver.write(0, begin + "whole" + end);
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    CHECK(joined(driver, Msg::COMM) == "whole");
}

TEST_CASE("events wait for an engine that is slow, and are dropped when there is none") {
    Driver driver;
    driver.add_main_log();
    driver.add_stream(0, 1, {.flags = kStreamEvents});
    std::string text = numbered(1, 600'000);
    std::thread writer([&] { driver.write(0, text); });
    ::usleep(500'000);  // nobody receives
    CHECK(driver.text("0.log").size() < text.size());
    REQUIRE(driver.wait([&] { return driver.text("0.log").size() == text.size(); }, 20000));
    writer.join();
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    CHECK(joined(driver, Msg::OUTPUT) == text);

    driver.add_stream(1, 2, {.flags = kStreamEvents});
    driver.drop_engine();
    std::thread second([&] { driver.write(1, text); });
    CHECK(driver.wait([&] { return driver.text("2.log").size() == text.size(); }, 20000));
    second.join();
    driver.new_engine();
    CHECK(driver.wait(
        [&] { return contains(driver.text("main.log"), " events of program output were lost"); }));
    driver.drain(1, 2);
    CHECK(driver.wait([&] { return drained(driver, 2); }));
}

TEST_CASE("the main log: format, level, rotation, debug echo") {
    Driver driver(Level::Debug);
    driver.add_main_log({.maxbytes = 0});
    driver.line(Level::Info, "hello\nworld");
    driver.line(Level::Trace, "not this");
    driver.line(Level::Critical, "esc \x1b[2J");
    REQUIRE(driver.wait([&] { return contains(driver.text("main.log"), "CRIT"); }));
    std::string text = driver.text("main.log");
    CHECK(text.substr(4, 1) == "-");
    CHECK(text.substr(23, 18) == " INFO hello\nworld\n");
    CHECK(contains(text, " CRIT esc \\x1b[2J\n"));
    CHECK(!contains(text, "not this"));
    driver.add_stream(0, 1, {.file = false});
    driver.write(0, "some words\n");
    CHECK(driver.wait(
        [&] { return contains(driver.text("main.log"), " DEBG 'p0' stdout output:\nsome words\n\n"); }));
    driver.write(0, "\xff'");
    CHECK(driver.wait(
        [&] { return contains(driver.text("main.log"), "output:\nUndecodable: b\"\\xff'\"\n"); }));
    CHECK(driver.finish() == 0);
}

TEST_CASE("the main log rotates, and a line is never split") {
    Driver driver;
    driver.add_main_log({.maxbytes = 200, .backups = 3});
    for (int i = 0; i < 40; ++i) driver.line(Level::Info, numbered(i, i).substr(0, 13));
    REQUIRE(driver.wait([&] {
        return contains(driver.text("main.log"), "00039") || contains(driver.text("main.log.1"), "00039");
    }));
    for (int i = 1; i <= 3; ++i) {
        std::string text = driver.text("main.log." + std::to_string(i));
        CHECK(text.size() >= 200);
        CHECK(text.size() < 250);
        CHECK(text.back() == '\n');
    }
}

TEST_CASE("the engine's last lines are written before the end") {
    Driver driver;
    driver.add_main_log();
    driver.add_stream(0, 1);
    for (int i = 0; i < 300; ++i) driver.line(Level::Info, "number " + std::to_string(i));
    driver.write(0, "unread");
    CHECK(driver.finish() == 0);
    CHECK(contains(driver.text("main.log"), "number 299\n"));
    CHECK(driver.text("0.log") == "unread");
}

TEST_CASE("reading") {
    Driver driver;
    driver.put("0.log", "0123456789");
    driver.add_stream(0, 1);
    DoneBody done{};
    CHECK(driver.read(1, 0, ReadMode::Read, 3, 4, done) == "3456");
    CHECK(done.result == DoneResult::Ok);
    CHECK(done.size == 10);
    CHECK(driver.read(2, 0, ReadMode::Tail, 0, 4, done) == "6789");
    CHECK(done.overflow == 1);
    CHECK(driver.read(3, 0, ReadMode::Read, -1, 1, done) == "");
    CHECK(done.result == DoneResult::BadArguments);
    CHECK(driver.read(4, 7, ReadMode::Read, -1, 1, done) == "");
    CHECK(done.result == DoneResult::NoFile);
    driver.failures[{0, FileOp::Read}] = EACCES;
    driver.read(5, 0, ReadMode::Read, 0, 0, done);
    CHECK(done.result == DoneResult::Failed);
    CHECK(done.error == EACCES);
    driver.read(6, 0, ReadMode::Read, 0, -1, done);
    CHECK(done.result == DoneResult::BadArguments);
    driver.failures.clear();
    std::string big = numbered(1, 1'000'000);
    driver.put("0.log", big);
    CHECK(driver.read(7, 0, ReadMode::Read, 0, 0, done) == big);
    CHECK(done.result == DoneResult::Ok);
}

TEST_CASE("clearing, running or not") {
    Driver driver;
    driver.add_stream(0, 1);
    driver.write(0, "before");
    REQUIRE(driver.wait([&] { return driver.text("0.log") == "before"; }));
    driver.to_log(Msg::CLEAR, 1, ClearBody{0, 0});
    REQUIRE(driver.wait([&] { return driver.find(Msg::DONE, 1) != nullptr; }));
    CHECK(driver.text("0.log") == "");
    driver.write(0, "after");
    CHECK(driver.wait([&] { return driver.text("0.log") == "after"; }));
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    driver.to_log(Msg::CLEAR, 2, ClearBody{0, 0});
    REQUIRE(driver.wait([&] { return driver.find(Msg::DONE, 2) != nullptr; }));
    CHECK(driver.find(Msg::DONE, 2)->as<DoneBody>().result == DoneResult::Ok);
    CHECK(driver.text("0.log") == "");
    driver.to_log(Msg::CLEAR, 3, ClearBody{9, 0});
    REQUIRE(driver.wait([&] { return driver.find(Msg::DONE, 3) != nullptr; }));
    CHECK(driver.find(Msg::DONE, 3)->as<DoneBody>().result == DoneResult::NoFile);
}

TEST_CASE("reopening all") {
    Driver driver;
    driver.add_main_log();
    driver.add_stream(0, 1);
    driver.write(0, "old");
    driver.line(Level::Info, "old line");
    REQUIRE(driver.wait([&] { return driver.text("0.log") == "old" && !driver.text("main.log").empty(); }));
    for (std::string name : {"0.log", "main.log"})
        ::rename(driver.path(name).c_str(), driver.path(name + ".moved").c_str());
    driver.line(Level::Info, "about to reopen");
    driver.to_log(Msg::REOPEN_ALL, 0, Empty{});
    REQUIRE(driver.wait([&] { return driver.opens == 2; }));
    driver.drain(9, 9);
    REQUIRE(driver.wait([&] { return drained(driver, 9); }));  // both LOGFILEs have been read
    driver.line(Level::Info, "new line");
    driver.write(0, "new");
    CHECK(driver.wait(
        [&] { return driver.text("0.log") == "new" && contains(driver.text("main.log"), "new line"); }));
    CHECK(driver.text("0.log.moved") == "old");
    CHECK(contains(driver.text("main.log.moved"), "about to reopen"));
}

TEST_CASE("an engine that asks for more files than are opened is not heard until they are") {
    constexpr std::uint32_t kStreams = 20;
    constexpr int kRequests = 400;
    constexpr int kMost = 4096;
    Driver driver;
    driver.hold_opens = true;
    for (std::uint32_t slot = 0; slot < kStreams; ++slot) driver.add_stream(slot, slot + 1);
    for (int i = 0; i < kRequests; ++i) driver.to_log(Msg::REOPEN_ALL, 0, Empty{});
    REQUIRE(driver.wait([&] { return driver.opens > kMost; }));
    for (std::uint32_t serial = 100; serial < 110; ++serial) {  // turns in which it could be heard
        driver.drain(99, serial);
        REQUIRE(driver.wait([&] { return drained(driver, serial); }));
    }
    CHECK(driver.opens <= kMost + int{kStreams});
    driver.release_opens();
    CHECK(driver.wait([&] { return driver.opens == int{kStreams} * kRequests; }, 20'000));
    driver.write(0, "alive");
    CHECK(driver.wait([&] { return driver.text("0.log") == "alive"; }));
    CHECK(driver.finish() == 0);
}

TEST_CASE("following") {
    Driver driver;
    driver.put("0.log", std::string(2000, 'h') + "end");
    driver.add_stream(0, 1, {.maxbytes = 5000, .backups = 3});
    driver.to_log(Msg::FOLLOW, 1, FollowBody{0, 10});
    REQUIRE(driver.wait([&] { return driver.find(Msg::DONE, 1) != nullptr; }));
    CHECK(driver.find(Msg::DONE, 1)->as<DoneBody>().size == 2003);
    CHECK(driver.bytes(1) == "");
    std::string seen;
    auto more = [&](std::size_t size) {
        driver.to_log(Msg::FOLLOW_MORE, 1, Empty{});
        driver.wait([&] { return driver.bytes(1).size() > seen.size(); });
        std::string piece = driver.bytes(1).substr(seen.size());
        seen = driver.bytes(1);
        CHECK(piece.size() == size);
        return piece;
    };
    CHECK(more(10) == "hhhhhhhend");
    driver.to_log(Msg::FOLLOW_MORE, 1, Empty{});
    driver.write(0, "live");
    REQUIRE(driver.wait([&] { return driver.bytes(1).size() == seen.size() + 4; }));
    seen = driver.bytes(1);
    // Several writes before the next pull are one piece.
    driver.write(0, "one");
    driver.settle(0);
    driver.write(0, "two");
    driver.settle(0);
    CHECK(more(6) == "onetwo");
    // Rotation: the rest of the old file, then the new one.
    driver.write(0, std::string(4000, 'r'));
    driver.settle(0);
    driver.write(0, "fresh");
    CHECK(driver.wait([&] { return driver.text("0.log") == "fresh"; }));
    driver.settle(0);
    CHECK(more(4000) == std::string(4000, 'r'));
    CHECK(more(5) == "fresh");
    // Truncation: from 0.
    driver.put("0.log", "cut");
    CHECK(more(3) == "cut");
    // Clearing, also when the program is not running, and others that write the file.
    driver.drain(0, 1);
    REQUIRE(driver.wait([&] { return drained(driver, 1); }));
    driver.to_log(Msg::CLEAR, 2, ClearBody{0, 0});
    REQUIRE(driver.wait([&] { return driver.find(Msg::DONE, 2) != nullptr; }));
    driver.put("0.log", "other");
    CHECK(more(5) == "other");
    driver.to_log(Msg::FOLLOW_END, 1, Empty{});
    driver.to_log(Msg::FOLLOW, 3, FollowBody{44, 10});
    REQUIRE(driver.wait([&] { return driver.find(Msg::DONE, 3) != nullptr; }));
    CHECK(driver.find(Msg::DONE, 3)->as<DoneBody>().result == DoneResult::NoFile);
}

TEST_CASE("a disk that takes no more: the program goes on after a second, and the loss is told") {
    for (bool looked : {false, true}) {
        CAPTURE(looked);
        Driver driver;
        driver.add_main_log();
        driver.add_stream(0, 1, {.flags = looked ? kStreamStripAnsi : 0});
        rlimit limit{100'000, 100'000'000};
        REQUIRE(::prlimit(driver.pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
        std::string text = numbered(1, 100'000);  // 1.4 MB
        auto begin = std::chrono::steady_clock::now();
        driver.write(0, text);
        auto took = std::chrono::steady_clock::now() - begin;
        CHECK(took < std::chrono::seconds(20));
        CHECK(took > std::chrono::milliseconds(500));
        REQUIRE(driver.wait([&] { return driver.find(Msg::LOST, 1) != nullptr; }));
        CHECK(driver.text("0.log") == text.substr(0, 100'000));
        CHECK(driver.wait([&] {
            return contains(driver.text("main.log"), " bytes for 'p0' stdout are lost: File too large\n");
        }));
        limit.rlim_cur = 100'000'000;
        REQUIRE(::prlimit(driver.pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
        driver.pump(200);
        driver.write(0, "back again\n");
        CHECK(driver.wait([&] { return driver.text("0.log") == text.substr(0, 100'000) + "back again\n"; }));
    }
}

TEST_CASE("a short trouble loses nothing") {
    Driver driver;
    driver.add_stream(0, 1);
    rlimit limit{100'000, 100'000'000};
    REQUIRE(::prlimit(driver.pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
    std::string text = numbered(1, 10'000);
    driver.write(0, text);
    CHECK(driver.wait([&] { return driver.text("0.log") == text.substr(0, 100'000); }));
    limit.rlim_cur = 100'000'000;
    REQUIRE(::prlimit(driver.pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
    CHECK(driver.wait([&] { return driver.text("0.log") == text; }));
}

TEST_CASE("targets that are pipes: full, closed") {
    for (bool looked : {false, true}) {
        CAPTURE(looked);
        Driver driver;
        driver.add_main_log();
        int target[2];
        REQUIRE(::pipe(target) == 0);
        driver.add_stream(0, 1,
                          {.flags = kStreamSpecial | (looked ? kStreamStripAnsi : 0), .target = target[1]});
        driver.add_stream(1, 2);
        // A reader that takes its time gets everything.
        std::string text = numbered(1, 40'000);
        std::thread writer([&] { driver.write(0, text); });
        std::string got;
        char buffer[20'000];
        while (got.size() < text.size()) {
            ssize_t count = ::read(target[0], buffer, sizeof buffer);
            REQUIRE(count > 0);
            got.append(buffer, static_cast<std::size_t>(count));
            ::usleep(3000);
        }
        writer.join();
        CHECK(got == text);
        // One that does not read holds up nobody else, and the program for a second.
        driver.write(0, text);
        driver.write(1, "alive");
        CHECK(driver.wait([&] { return driver.text("2.log") == "alive"; }));
        CHECK(driver.wait([&] { return driver.find(Msg::LOST, 1) != nullptr; }));
        CHECK(driver.wait([&] { return contains(driver.text("main.log"), "its reader is too slow"); }));
        ::close(target[0]);
        driver.write(0, text);
        driver.drain(0, 1);
        CHECK(driver.wait([&] { return drained(driver, 1); }));
        CHECK(driver.finish() == 0);
        ::close(target[1]);
    }
}

TEST_CASE("the system logger, also when it was restarted") {
    Driver driver;
    int first[2];
    int second[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, first) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, second) == 0);
    driver.add_syslog(first[1]);
    ::close(first[1]);
    driver.add_stream(0, 1, {.flags = kStreamSyslog});
    driver.add_main_log({.flags = kStreamMainSyslog, .file = false});
    char buffer[1000];
    auto receive = [&](int socket) {
        ssize_t size = -1;
        driver.wait([&] { return (size = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT)) >= 0; });
        return std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    };
    driver.write(0, "one\ntwo\n");
    std::string one = receive(first[0]);
    CHECK(one.substr(0, 4) == "<14>");
    CHECK(one.substr(19) == " supervisord: p0 one");
    CHECK(receive(first[0]).substr(19) == " supervisord: p0 two");
    driver.line(Level::Warn, "main line");
    std::string line = receive(first[0]);
    CHECK(line.substr(0, 4) == "<12>");
    CHECK(line.substr(19) == " supervisord: main line");
    driver.next_syslog = second[1];
    ::close(first[0]);
    driver.write(0, "three\n");
    CHECK(receive(second[0]).substr(19) == " supervisord: p0 three");
    CHECK(driver.wait([&] { return driver.text("0.log") == "one\ntwo\nthree\n"; }));
    ::close(second[0]);
    ::close(second[1]);
}

TEST_CASE("an event listener's stdout comes from the engine") {
    Driver driver;
    driver.add_stream(
        0, 5, {.kind = StreamKind::ListenerStdout, .flags = kStreamEvents, .maxbytes = 12, .backups = 1});
    driver.to_log(Msg::APPEND, 5, AppendBody{0, 0}, "READY\n");
    driver.to_log(Msg::APPEND, 4, AppendBody{0, 0}, "of an old child");
    driver.to_log(Msg::APPEND, 5, AppendBody{0, 0}, "RESULT 2\nOK");
    driver.to_log(Msg::APPEND, 5, AppendBody{0, 0}, "READY\n");
    CHECK(driver.wait([&] { return driver.text("0.log") == "READY\n"; }));
    CHECK(driver.text("0.log.1") == "READY\nRESULT 2\nOK");
    CHECK(joined(driver, Msg::OUTPUT) == "");
    driver.drain(0, 5);
    CHECK(driver.wait([&] { return drained(driver, 5); }));
}

TEST_CASE("signals to the group and a broken peer do no harm; a broken spawner ends it") {
    Driver driver;
    driver.add_stream(0, 1);
    driver.drain(9, 9);
    REQUIRE(driver.wait([&] { return drained(driver, 9); }));  // it is up
    for (int signo : {SIGINT, SIGTERM, SIGHUP, SIGUSR2}) ::kill(driver.pid(), signo);
    driver.to_log(Msg::FOLLOW, 1, FollowBody{0, 10});
    driver.to_log(Msg::FOLLOW, 1, FollowBody{0, 10});  // a number in use
    driver.pump(100);
    driver.new_engine();
    driver.write(0, "alive");
    CHECK(driver.wait([&] { return driver.text("0.log") == "alive"; }));
    driver.drain(70'000, 1);
    int status = 0;
    CHECK(driver.wait([&] { return ::waitpid(driver.pid(), &status, WNOHANG) == driver.pid(); }));
    CHECK(WEXITSTATUS(status) == 70);
}
