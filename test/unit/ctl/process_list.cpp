// The columns of `status`, and members of answers.
#include "ctl/process_list.hpp"

#include <doctest/doctest.h>

#include "ctl/complete.hpp"
#include "ctl/errors.hpp"

using namespace reeve;
using namespace reeve::ctl;

namespace {

ProcessInfo make(const char* group, const char* name, const char* state = "STOPPED",
                 const char* text = "Not started") {
    return {.group = group, .name = name, .state_name = state, .description = text, .state = 0, .pid = 0};
}

std::vector<std::string> lines_of(const std::vector<ProcessInfo>& infos) {
    std::vector<const ProcessInfo*> shown;
    for (const ProcessInfo& info : infos) shown.push_back(&info);
    return status_lines(shown);
}

}  // namespace

TEST_CASE("the first column is at least 33 wide, and three wider than the longest name shown") {
    CHECK(lines_of({make("x", "x")}).front() == "x" + std::string(32, ' ') + "STOPPED   Not started");
    std::string name(31, 'n');
    CHECK(lines_of({make(name.c_str(), name.c_str()), make("g", "p")}) ==
          std::vector<std::string>{name + "   STOPPED   Not started",
                                   "g:p" + std::string(31, ' ') + "STOPPED   Not started"});
}

TEST_CASE("blanks at the end stay, and characters count instead of bytes") {
    CHECK(lines_of({make("x", "x", "STARTING", "")}).front() == "x" + std::string(32, ' ') + "STARTING  ");
    CHECK(lines_of({make("\xC3\xA4", "\xC3\xA4", "FATAL", "d")}).front() ==
          "\xC3\xA4" + std::string(32, ' ') + "FATAL     d");
    CHECK(padded("abc", 2) == "abc");
}

TEST_CASE("answers are checked") {
    Value answer = Value::structure();
    answer.add("name", Value::string("x")).add("pid", Value::integer(5));
    CHECK(text_member(answer, "name") == "x");
    CHECK(number_member(answer, "pid") == 5);
    CHECK_THROWS_AS(text_member(answer, "pid"), Error);
    CHECK_THROWS_AS(number_member(answer, "missing"), Error);
    CHECK_THROWS_AS(elements(answer), Error);
    CHECK_THROWS_AS(process_info(answer), Error);
}

TEST_CASE("what Tab offers") {
    std::vector<ProcessInfo> infos{make("g", "one"), make("g", "two"), make("up", "up")};
    using Words = std::vector<std::string>;
    CHECK(action_names("re") == Words{"reload", "remove", "reread", "restart"});
    CHECK(action_names("EO").empty());
    CHECK(action_names("").size() == 23);
    CHECK(group_names(infos, "") == Words{"g", "up"});
    CHECK(process_names(infos, "") == Words{"g:*", "g:one", "g:two", "up"});
    CHECK(process_names(infos, "g:t") == Words{"g:two"});
    CHECK(process_names(infos, "up:") == Words{"up:*", "up:up"});
}
