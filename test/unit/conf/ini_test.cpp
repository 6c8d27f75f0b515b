// The INI dialect: from the text of a file to sections and keys.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/conf/ini.hpp"

using namespace reeve;

namespace {

// "[s] a=1 b=2 [t] x=1", values in angle brackets.
std::string shown(const ConfigFile& file) {
    std::string text;
    for (const Section& section : file.sections()) {
        text += (text.empty() ? "[" : " [") + section.name() + "]";
        for (const Section::Item& item : section.items()) {
            if (!item.inherited) text += " " + *item.key + "=<" + *item.value + ">";
        }
    }
    return text;
}

std::string parsed(const std::string& text) {
    ConfigFile file;
    try {
        file.merge(text, "x.conf");
    } catch (const SyntaxError& error) {
        return error.what();
    }
    return shown(file);
}

struct Row {
    const char* input;
    const char* result;
};

}  // namespace

TEST_CASE("lines become sections and keys") {
    const Row rows[] = {
        {"[s]\na=b\n", "[s] a=<b>"},
        {"[s]\na = b\n", "[s] a=<b>"},
        {"[s]\na: b\n", "[s] a=<b>"},
        {"[s]\na:b=c\n", "[s] a=<b=c>"},
        {"[s]\na=b:c\n", "[s] a=<b:c>"},
        {"[s]\na==b\n", "[s] a=<=b>"},
        {"[s]\na = = b\n", "[s] a=<= b>"},
        {"[s]\nk:=v\n", "[s] k=<=v>"},
        {"[s]\na b=c\n", "[s] a b=<c>"},
        {"[s]\nrem a=b\n", "[s] rem a=<b>"},
        {"[s]\nA=B\n", "[s] a=<B>"},
        {"[s]\nÉ=b\n", "[s] é=<b>"},
        {"[s]\na=1\na=2\n", "[s] a=<2>"},
        {"[s]\na=1\n[t]\nx=1\n[s]\nb=2\na=3\n", "[s] a=<3> b=<2> [t] x=<1>"},
        {"[s]\na=\n", "[s] a=<>"},
        {"[s]\na=\n  b\n", "[s] a=<\nb>"},
        {"[s]\na=b ;c\n", "[s] a=<b>"},
        {"[s]\na=b #c\n", "[s] a=<b>"},
        {"[s]\na=b\t;c\n", "[s] a=<b>"},
        {"[s]\na=b;c\n", "[s] a=<b;c>"},
        {"[s]\na=b#c\n", "[s] a=<b#c>"},
        {"[s]\na=;c\n", "[s] a=<;c>"},
        {"[s]\na= ;c\n", "[s] a=<>"},
        {"[s]\na=b;c ;d\n", "[s] a=<b;c>"},
        {"[s]\na=b ; c ; d\n", "[s] a=<b>"},
        {"[s]\na=bash -c 'foo ; bar'\n", "[s] a=<bash -c 'foo>"},
        {"[s]\na=http://x/#frag\n", "[s] a=<http://x/#frag>"},
        {"[s]\n;a=b\n#c=d\n  ;e=f\n", "[s]"},
        {"[s]\na=b\n c\n", "[s] a=<b\nc>"},
        {"[s]\na=b\n  c\n d\n", "[s] a=<b\nc\nd>"},
        {"[s]\na=b\n c=d\n", "[s] a=<b\nc=d>"},
        {"[s]\na=b\n [t]\nx=y\n", "[s] a=<b\n[t]> x=<y>"},
        {"[s]\n a=b\n c=d\n", "[s] a=<b> c=<d>"},
        {"[s]\n  a=b\n c=d\n", "[s] a=<b> c=<d>"},
        {"[s]\n  a=b\n\tc=d\n", "[s] a=<b> c=<d>"},
        {"[s]\na=1\n[t]\n b=2\n", "[s] a=<1> [t] b=<2>"},
        {" [s]\n a=b\n", "[s] a=<b>"},
        {"[s]\na=b\n\n c\n", "[s] a=<b\n\nc>"},
        {"[s]\na=b\n   \n c\n", "[s] a=<b\n\nc>"},
        {"[s]\na=b\n\n\nc=d\n", "[s] a=<b> c=<d>"},
        {"[s]\na=b\n;x\n c\n", "[s] a=<b\nc>"},
        {"[s]\na=b\n ;x\n c\n", "[s] a=<b\nc>"},
        {"[s]\na=x\n  # c1\n  y\n", "[s] a=<x\ny>"},
        {"[s]\na=b\n c ;x\n d\n", "[s] a=<b\nc\nd>"},
        {"[s] trailing\na=b\n", "[s] a=<b>"},
        {"[s] ; x\n", "[s]"},
        {"[s]=x\n", "[s]"},
        {"[s]a=b\n", "[s]"},
        {"[s]x]\na=b\n", "[s]x] a=<b>"},
        {"[s;t]\na=b\n", "[s;t] a=<b>"},
        {"[ ]\n", "[ ]"},
        {"[ s ]\n", "[ s ]"},
        {"[S]\na=b\n[s]\na=c\n", "[S] a=<b> [s] a=<c>"},
        {"[q]\nz=1\n[program:s ;t]\na=b\n", "[q] z=<1> [program=<s> a=<b>"},
        {"[s]\na=\"b\"\n", "[s] a=<\"b\">"},
        {"[s]\na=%%x %(foo)s\n", "[s] a=<%%x %(foo)s>"},
        {"[s]\na=b\\\n c\n", "[s] a=<b\\\nc>"},
        {"[s]\r\na=b\r\n c\r\n", "[s] a=<b\nc>"},
        {"[s]\ra=b\r", "[s] a=<b>"},
        {"[s]\na=b\fc=d\n", "[s] a=<b\fc=d>"},
        {"[s]\na=b\u2028c\n", "[s] a=<b\u2028c>"},
        {"[s]\na=\u00a0b\u00a0\n", "[s] a=<b>"},
        {"[s]\na=b\u00a0;c\n", "[s] a=<b>"},
        {"[s]\na=b", "[s] a=<b>"},
        {"[s]", "[s]"},
        {"", ""},
        {"[default]\nk=v\n", "[default] k=<v>"},
        {"[s]\na=b# # ;\n", "[s] a=<b# #>"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.input);
        CHECK(parsed(row.input) == row.result);
    }
}

TEST_CASE("malformed files are refused with the line") {
    const Row rows[] = {
        {"a=1\n", "File contains no section headers.\nfile: 'x.conf', line: 1\n'a=1\\n'"},
        {"\n\n[]\n", "File contains no section headers.\nfile: 'x.conf', line: 3\n'[]\\n'"},
        {"[s ;t]\n", "File contains no section headers.\nfile: 'x.conf', line: 1\n'[s ;t]\\n'"},
        {"\ufeff[s]\n", "File contains no section headers.\nfile: 'x.conf', line: 1\n'\\ufeff[s]\\n'"},
        {"[s]\na\nb\nc=1\n",
         "Source contains parsing errors: 'x.conf'\n\t[line  2]: 'a\\n'\n\t[line  3]: 'b\\n'"},
        {"[s]\n=1", "Source contains parsing errors: 'x.conf'\n\t[line  2]: '=1'"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.input);
        CHECK(parsed(row.input) == row.result);
    }
}

TEST_CASE("text that is not UTF-8 is refused with its position") {
    const Row rows[] = {
        {"[s]\na=\xff", "byte 0xff in position 6: invalid start byte"},
        {"[s]\na=\xc3(", "byte 0xc3 in position 6: invalid continuation byte"},
        {"[s]\na=\xe2\x82(", "bytes in position 6-7: invalid continuation byte"},
        {"[s]\na=\xe2\x82", "bytes in position 6-7: unexpected end of data"},
        {"[s]\na=\xed\xa0\x80", "byte 0xed in position 6: invalid continuation byte"},
        {"[s]\na=\xc3", "byte 0xc3 in position 6: unexpected end of data"},
    };
    for (const Row& row : rows) {
        std::string expected = std::string("'utf-8' codec can't decode ") + row.result;
        CHECK(parsed(row.input).substr(0, expected.size()) == expected);
    }
    CHECK(parsed(std::string("[s]\na=\0b\n", 9)) == "the file 'x.conf' is no text: it contains a zero byte");
}

TEST_CASE("[DEFAULT] supplies values to every section") {
    ConfigFile file;
    file.merge("[DEFAULT]\nk=v\nl=w\n[s]\na=b\nl=own\n", "x.conf");
    CHECK(shown(file) == "[s] a=<b> l=<own>");
    CHECK(*file.section("s").find("k") == "v");
    CHECK(*file.section("s").find("l") == "own");
    CHECK(file.section("s").find("m") == nullptr);
    CHECK(file.section("s").items().size() == 3);
    CHECK_FALSE(file.section("DEFAULT"));
}

TEST_CASE("files merge, and each key knows where it is from") {
    ConfigFile file;
    file.merge("[a]\nx=1\ny=2\n", "one");
    file.merge("\n[a]\nx=3 ; cut\n[b]\nz=4\n", "two");
    CHECK(shown(file) == "[a] x=<3> y=<2> [b] z=<4>");
    Section a = file.section("a");
    CHECK(describe(a.place("x")) == "two line 3");
    CHECK(describe(a.place("y")) == "one line 3");
    CHECK(describe(a.place("none")) == "one line 1");
    CHECK(a.cut_by_comment("x"));
    CHECK_FALSE(a.cut_by_comment("y"));
    REQUIRE(file.repeated().size() == 1);
    CHECK(file.repeated()[0].name == "a");
    CHECK(describe(file.repeated()[0].again) == "two line 2");
}

TEST_CASE("%(here)s is replaced by the folder of the file that has it") {
    ConfigFile file;
    file.merge("[DEFAULT]\nd=%(here)s\n[a]\nx=%(here)s/1 %(here)s %(here)5s %%(here)s\n", "main");
    file.replace_here("/main");
    file.merge("[b]\ny=%(here)s\n[a]\nz=%(here)s\n", "inc");
    file.replace_here("/inc");
    CHECK(*file.section("a").find("x") == "/main/1 /main %(here)5s %/main");
    CHECK(*file.section("a").find("z") == "/inc");
    CHECK(*file.section("b").find("y") == "/inc");
    CHECK(*file.section("a").find("d") == "/main");
    CHECK(*file.section("b").find("d") == "/inc");
}

TEST_CASE("files that cannot be read") {
    auto refusal = [](const char* path) {
        try {
            read_config_file(path);
        } catch (const ConfigError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal("/no/such.conf") == "could not find config file /no/such.conf");
    CHECK(refusal("") == "could not find config file ");
    CHECK(refusal("/etc") == "could not read config file /etc: Is a directory");
}
