// Lines, names and numbers as supervisorctl takes them.
#include "ctl/words.hpp"

#include <doctest/doctest.h>

using namespace reeve::ctl;

namespace {

using Words = std::vector<std::string>;

std::string parsed(std::string_view line) {
    ParsedLine result = parse_line(line);
    return result.action + "|" + result.argument;
}

}  // namespace

TEST_CASE("a line is an action and its argument") {
    CHECK(parsed("status") == "status|");
    CHECK(parsed("signal  HUP x") == "signal|HUP x");
    CHECK(parsed("tail-20 x") == "tail|-20 x");
    CHECK(parsed("status:run1") == "status|:run1");
    CHECK(parsed("?") == "help|");
    CHECK(parsed("??") == "help|?");
    CHECK(parsed("? start") == "help|start");
    CHECK(parsed("# x") == "|# x");
    CHECK(parsed("start;") == "start|;");
    CHECK(parsed("a_b1 c") == "a_b1|c");
}

TEST_CASE("words end at white space of any kind, and nothing quotes") {
    CHECK(split_words("") == Words{});
    CHECK(split_words("  \t\n") == Words{});
    CHECK(split_words(" a  b\tc\nd ") == Words{"a", "b", "c", "d"});
    CHECK(split_words("'a b' \"c\"") == Words{"'a", "b'", "\"c\""});
    CHECK(split_words("gr\xC3\xB6\xC3\x9F"
                      "e\xC2\xA0x") == Words{"gr\xC3\xB6\xC3\x9F"
                                             "e",
                                             "x"});
    CHECK(split_words("\xFF\xFE x") == Words{"\xFF\xFE", "x"});
    CHECK(strip("  a b ") == "a b");
}

TEST_CASE("names of processes and groups") {
    auto form = [](std::string_view text) {
        ProcessName name = split_name(text);
        return name.group + "|" + name.process.value_or("(all)");
    };
    CHECK(form("x") == "x|x");
    CHECK(form("g:p") == "g|p");
    CHECK(form("g:p:q") == "g|p:q");
    CHECK(form("g:*") == "g|(all)");
    CHECK(form("g:") == "g|(all)");
    CHECK(form(":") == "|(all)");
    CHECK(form("*") == "*|*");
    CHECK(join_name("a", "a") == "a");
    CHECK(join_name("g", "p") == "g:p");
}

TEST_CASE("numbers") {
    CHECK(parse_number("20") == 20);
    CHECK(parse_number("+10") == 10);
    CHECK(parse_number("-5") == -5);
    CHECK(parse_number("1_0") == 10);
    CHECK(parse_number(" 7 ") == 7);
    CHECK(parse_number("0") == 0);
    for (const char* text : {"", "x", "1x", "_1", "1_", "1__0", "+", "- 1", "1.5"})
        CHECK_MESSAGE(!parse_number(text), text);
    CHECK(*parse_number("99999999999999999999") > 0);
}

TEST_CASE("paths of requests") {
    CHECK(escape_path("g:p") == "g:p");
    CHECK(escape_path("grp:*") == "grp:*");
    CHECK(escape_path("a%41?#b") == "a%2541%3F%23b");
    CHECK(escape_path("\xC3\xA4") == "%C3%A4");
}
