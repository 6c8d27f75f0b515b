// Expansion of %(name)s.
#include <doctest/doctest.h>

#include <string>

#include "common/conf/expand.hpp"

using namespace reeve;

namespace {

Names some_names() {
    Names names;
    names.set("here", "/l/é x");
    names.set("one", "q");
    names.set("quote", "a'b");
    names.set_number("process_num", 0);
    names.set_number("numprocs", 12);
    names.set_environment({{"X", "100% %(here)s"}, {"N", "5"}});
    return names;
}

std::string expanded(const std::string& text, const char* where = "s.k") {
    try {
        return expand(text, some_names(), where);
    } catch (const ConfigError& error) {
        return error.what();
    }
}

struct Row {
    const char* text;
    const char* result;
};

}  // namespace

TEST_CASE("conversions") {
    const Row rows[] = {
        {"", ""},
        {"$HOME ~ {here}", "$HOME ~ {here}"},
        {"%%", "%"},
        {"100%%%%", "100%%"},
        {"%(here)s", "/l/é x"},
        {"%(here)10s|", "    /l/é x|"},
        {"%(here)-10s|", "/l/é x    |"},
        {"%(here).4s|", "/l/é|"},
        {"%(here)-8.2s|", "/l      |"},
        {"%(quote)r", "\"a'b\""},
        {"%(here)a", "'/l/\\xe9 x'"},
        {"%(one)c", "q"},
        {"%(process_num)d", "0"},
        {"%(process_num)i%(process_num)u%(process_num)ld%(process_num)hd%(process_num)s", "00000"},
        {"%(process_num)02d", "00"},
        {"%(process_num)3d", "  0"},
        {"%(process_num)-3d|", "0  |"},
        {"%(process_num)+d", "+0"},
        {"%(process_num) d", " 0"},
        {"%(process_num)x", "0"},
        {"%(process_num)#o", "0o0"},
        {"%(process_num)5.2f", " 0.00"},
        {"%(numprocs)X %(numprocs)#x %(numprocs).4d %(numprocs)06.3d", "C 0xc 0012 000012"},
        {"%(numprocs)e", "1.200000e+01"},
        {"%(ENV_X)s", "100% %(here)s"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(expanded(row.text) == row.result);
    }
}

TEST_CASE("badly formatted texts") {
    const Row rows[] = {
        {"100%", "incomplete format"},
        {"%", "incomplete format"},
        {"%(here)5", "incomplete format"},
        {"%(here).2", "incomplete format"},
        {"%(here)", "incomplete format"},
        {"%(x", "incomplete format key"},
        {"%z", "unsupported format character 'z' (0x7a) at index 1"},
        {"é%b", "unsupported format character 'b' (0x62) at index 2"},
        {"%5%", "unsupported format character '%' (0x25) at index 2"},
        {"%(here)%", "unsupported format character '%' (0x25) at index 7"},
        {"%(here)S", "unsupported format character 'S' (0x53) at index 7"},
        {"%5(here)d", "unsupported format character '(' (0x28) at index 2"},
        {"%(here)d", "%d format: a real number is required, not str"},
        {"%(ENV_N)d", "%d format: a real number is required, not str"},
        {"%(here)x", "%x format: an integer is required, not str"},
        {"%(here)f", "must be real number, not str"},
        {"%d", "%d format: a real number is required, not dict"},
        {"50% of", "%o format: an integer is required, not dict"},
        {"%(here)c", "%c requires int or char"},
        {"%(here)s %s", "not enough arguments for format string"},
        {"%(process_num)*d", "not enough arguments for format string"},
        {"%(here)*d", "* wants int"},
        {"%(here)99999999s", "width too big"},
        {"%s", "%s has no name; write %(name)s for a value, or %% for a percent sign"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(expanded(row.text) ==
              "Format string '" + std::string(row.text) + "' for 's.k' is badly formatted: " + row.result);
    }
}

TEST_CASE("unknown names") {
    const std::string available =
        " which cannot be expanded. Available names: ENV_*, here, numprocs, one, process_num, quote";
    CHECK(expanded("%(nosuch)s", "program:a.command") ==
          "Format string '%(nosuch)s' for 'program:a.command' contains names ('nosuch')" + available);
    CHECK(expanded("%(HERE)s") == "Format string '%(HERE)s' for 's.k' contains names ('HERE')" + available);
    CHECK(expanded("%()s") == "Format string '%()s' for 's.k' contains names ('')" + available);
    CHECK(expanded("%(a(b)c)s") ==
          "Format string '%(a(b)c)s' for 's.k' contains names ('a(b)c')" + available);
    CHECK(expanded("%(x)") == "Format string '%(x)' for 's.k' contains names ('x')" + available);
    CHECK(expanded("%(heer)s") == "Format string '%(heer)s' for 's.k' contains names ('heer')" + available +
                                      "; did you mean 'here'?");
}

TEST_CASE("a password is not repeated in an error") {
    CHECK(expanded("se%cret", "unix_http_server.password") ==
          "Format string '...' for 'unix_http_server.password' is badly formatted: %c requires int or char");
}

TEST_CASE("an inner scope hides an outer one") {
    Names outer = some_names();
    Names inner(&outer);
    inner.set("one", "2");
    CHECK(expand("%(one)s %(ENV_N)s", inner, "s.k") == "2 5");
}

TEST_CASE("the process environment") {
    const char* const envp[] = {"A=1", "B", "C=x=y", "A=2", "D=", nullptr};
    CHECK(process_environment(envp) == Environment{{"A", "1"}, {"C", "x=y"}, {"D", ""}});
    Environment environment = {{"A", "1"}, {"B", "2"}};
    set_variable(environment, "A", "3");
    set_variable(environment, "C", "4");
    CHECK(environment == Environment{{"A", "3"}, {"B", "2"}, {"C", "4"}});
}
