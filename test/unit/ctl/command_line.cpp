// The options of supervisorctl: classic getopt, errors word for word.
#include "ctl/command_line.hpp"

#include <doctest/doctest.h>

#include "ctl/errors.hpp"

using namespace reeve::ctl;

namespace {

using Words = std::vector<std::string>;

CommandLine parse(const Words& words) { return parse_command_line(words); }

std::string refusal(const Words& words) {
    try {
        parse(words);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("options end at the first word that is none") {
    CHECK(parse({"tail", "-f", "x"}).words == Words{"tail", "-f", "x"});
    CHECK(parse({"pid", "-h"}).words == Words{"pid", "-h"});
    CHECK(parse({"-i", "--", "-x"}).words == Words{"-x"});
    CHECK(parse({"-", "x"}).words == Words{"-", "x"});
    CHECK(parse({""}).words == Words{""});
    CHECK(parse({}).words.empty());
}

TEST_CASE("values may be attached, clustered, or look like options") {
    CommandLine line = parse({"-ipsecret", "-uname", "status"});
    CHECK(line.interactive);
    CHECK(line.password == "secret");
    CHECK(line.username == "name");
    CHECK(parse({"-c", "-h"}).configuration == "-h");
    CHECK(parse({"-ip", "--", "x"}).password == "--");
    CHECK(parse({"--username="}).username == "");
    CHECK(parse({"--pass=a=b"}).password == "a=b");
    CHECK(parse({"--conf", "x"}).configuration == "x");
    CHECK(parse({"-c", ""}).configuration == "");
    CHECK(!parse({}).configuration);
}

TEST_CASE("help acts when it is reached, after all options have been read") {
    CHECK(parse({"-h"}).help);
    CHECK(parse({"-?"}).help);
    CHECK(parse({"--he", "whatever"}).help);
    CHECK(parse({"-h", "-s", "foo"}).help);
    CHECK(refusal({"-s", "foo", "-h"}) == "invalid value for -s 'foo': value 'foo' is not a URL");
    CHECK(refusal({"-hx"}) == "option -x not recognized");
}

TEST_CASE("errors") {
    CHECK(refusal({"-x"}) == "option -x not recognized");
    CHECK(refusal({"--foo"}) == "option --foo not recognized");
    CHECK(refusal({"--foo=1"}) == "option --foo not recognized");
    CHECK(refusal({"--history-file", "x"}) == "option --history-file not recognized");
    CHECK(refusal({"--history", "x"}) == "");
    CHECK(refusal({"-c"}) == "option -c requires argument");
    CHECK(refusal({"-ic"}) == "option -c requires argument");
    CHECK(refusal({"--user"}) == "option --username requires argument");
    CHECK(refusal({"--help=1"}) == "option --help must not have an argument");
    CHECK(refusal({"--h"}) == "option --h not a unique prefix");
    CHECK(refusal({"--=x"}) == "option -- not a unique prefix");
    CHECK(refusal({"-i", "-i"}) == "conflicting command line option '-i'");
    CHECK(refusal({"-u", "a", "--user", "b"}) == "conflicting command line option '--username'");
    CHECK(refusal({"-r", "a", "-r", "b"}) == "conflicting command line option '-r'");
    CHECK(refusal({"-s", "it's"}) == "invalid value for -s \"it's\": value \"it's\" is not a URL");
}

TEST_CASE("URLs need a scheme, and a host or a path") {
    for (const char* url : {"http://h", "unix:///p", "unix://s.sock", "unix:/p", "localhost:9001", "ftp://h",
                            "HTTP://h", "x:/"})
        CHECK_MESSAGE(is_url(url), url);
    for (const char* url :
         {"foo", "", "127.0.0.1:9001", "unix://", "http://", "http:", "http://?x", ":x", "a b:c"})
        CHECK_MESSAGE(!is_url(url), url);
    CHECK(url_scheme("HTTP://x") == "http");
    CHECK(url_scheme("/x:y") == "");
}
