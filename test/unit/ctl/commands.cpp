// The table of actions, server URLs, and what Tab inserts.
#include <doctest/doctest.h>

#include "ctl/client.hpp"
#include "ctl/commands/table.hpp"
#include "ctl/errors.hpp"
#include "ctl/line_editor.hpp"

using namespace reeve::ctl;

TEST_CASE("the table has all actions, sorted") {
    std::string names;
    for (const Action& action : action_table()) names += std::string(action.name) + " ";
    CHECK(names ==
          "EOF add avail clear exit fg help maintail open pid privileges quit reload remove reread restart "
          "shutdown "
          "signal start "
          "status stop tail update version ");
    CHECK(find_action("start") != nullptr);
    CHECK(find_action("START") == nullptr);
    CHECK(find_action("sta") == nullptr);
    CHECK(find_action("") == nullptr);
}

TEST_CASE("each help text begins with its action and ends with a line end") {
    for (const Action& action : action_table()) {
        if (action.help.empty()) continue;
        CHECK_MESSAGE(action.help.starts_with(action.name), action.name);
        CHECK_MESSAGE(action.help.ends_with("\n"), action.name);
    }
    CHECK(find_action("add")->help.starts_with("add <name> [...]\t"));
    CHECK(find_action("tail")->help.starts_with(
        "tail [-f] <name> [stdout|stderr] (default stdout)\nEx:\ntail -f <name>\t\t"));
}

TEST_CASE("server URLs") {
    auto base = [](const char* url) { return parse_server_url(url).base; };
    CHECK(parse_server_url("unix:///run/s.sock").socket_path == "/run/s.sock");
    CHECK(parse_server_url("unix://s.sock").socket_path == "s.sock");
    CHECK(base("unix:///run/s.sock") == "http://localhost");
    CHECK(base("http://h:9001") == "http://h:9001");
    CHECK(base("http://user:pw@h:9001/path?q") == "http://h:9001");
    CHECK(base("http://[::1]:9001") == "http://[::1]:9001");
    CHECK(base("http://:9001") == "http://localhost:9001");
    for (const char* url : {"https://h", "HTTP://h", "ftp://h", "unix:/p", "localhost:9001", ""})
        CHECK_THROWS_AS(parse_server_url(url), ConnectError);
    CHECK_THROWS_AS(parse_server_url("unix://"), ConnectError);
    CHECK_THROWS_AS(parse_server_url("unix:///" + std::string(120, 'x')), ConnectError);
}

TEST_CASE("what Tab inserts") {
    CHECK(common_continuation({"version"}, "vers") == "ion");
    CHECK(common_continuation({"g:one", "g:only"}, "g:") == "on");
    CHECK(common_continuation({"g:one", "up"}, "") == "");
    CHECK(common_continuation({}, "x") == "");
    CHECK(last_word("pid g:o") == "g:o");
    CHECK(last_word("pid ") == "");
    CHECK(last_word("a-b*") == "a-b*");
    CHECK(last_word("x/y") == "y");
}
