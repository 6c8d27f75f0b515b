// Escape sequences: the table of known results, and sequences cut by the end of a chunk.
#include <doctest/doctest.h>

#include "daemon/logwriter/ansi.hpp"

using reeve::AnsiStripper;

namespace {

std::string strip(std::initializer_list<std::string_view> chunks) {
    AnsiStripper stripper;
    std::string out;
    for (std::string_view chunk : chunks) stripper.strip(chunk, out);
    stripper.finish(out);
    return out;
}

}  // namespace

TEST_CASE("one chunk") {
    CHECK(strip({"plain\n"}) == "plain\n");
    CHECK(strip({"\x1b[31mred\x1b[0m x"}) == "red x");
    CHECK(strip({"\x1b[6nDSR"}) == "SR");
    CHECK(strip({"\x1b[10Gcol"}) == "");
    CHECK(strip({"\x1b]0;title\a"}) == "\x1b]0;title\a");
    CHECK(strip({"\x1b(B"}) == "\x1b(B");
    CHECK(strip({"\x1b[31m\x1b[1mx\x1b[0m"}) == "x");
    CHECK(strip({"\x1b\x1b[1mx"}) == "\x1bx");
    CHECK(strip({std::string_view("a\0b\xff", 4)}) == std::string("a\0b\xff", 4));
}

TEST_CASE("a sequence cut by a chunk's end") {
    CHECK(strip({"split\x1b[3", "1mred"}) == "splitred");
    CHECK(strip({"esc\x1b", "[0mdone"}) == "escdone");
    CHECK(strip({"esc\x1b", "x"}) == "esc\x1bx");
    CHECK(strip({"esc\x1b"}) == "esc\x1b");
    CHECK(strip({"a\x1b[31"}) == "a");
    CHECK(strip({"a\x1b", "", "[1", "", "mb"}) == "ab");
}

TEST_CASE("what is no sequence does not swallow the next chunk") {
    CHECK(strip({"\x1b[10Gcol", "next"}) == "next");
    CHECK(strip({"\x1b[" + std::string(100, '1'), "next"}) == "next");
}

TEST_CASE("well-formed sequences give the same wherever they are cut") {
    const std::string text = "a\x1b[31mred\x1b[0m \x1b[1;2Hplain\x1b[K\n\x1b[2J\x1b end\x1b(B";
    const std::string whole = strip({text});
    for (std::size_t one = 0; one <= text.size(); ++one) {
        for (std::size_t two = one; two <= text.size(); ++two) {
            std::string_view view = text;
            CHECK(strip({view.substr(0, one), view.substr(one, two - one), view.substr(two)}) == whole);
        }
    }
}
