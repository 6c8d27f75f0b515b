// The command line of supervisord.
#include "daemon/confread/command_line.hpp"

#include <doctest/doctest.h>

#include "common/conf/error.hpp"

using namespace reeve;

namespace {

CommandLine parsed(std::vector<std::string> words) {
    words.insert(words.begin(), "supervisord");
    return parse_command_line(words);
}
std::string refusal(const std::vector<std::string>& words) {
    try {
        parsed(words);
    } catch (const ConfigError& error) {
        return error.text();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("options as getopt has them") {
    CHECK(parsed({"-nt", "-cFILE"}).configuration == "FILE");
    CHECK(parsed({"-ntcFILE"}).strip_ansi);
    CHECK(parsed({"-c", "-n"}).configuration == "-n");
    CHECK(parsed({"--user="}).user == "");
    CHECK(parsed({"--ident", "x"}).identifier == "x");
    CHECK(parsed({"--identifier=a=b"}).identifier == "a=b");
    CHECK(parsed({"-m", "027"}).umask == 23);
    CHECK(parsed({"-y", "2KB", "-z", "-1"}).logfile_maxbytes == 2048);
    CHECK(parsed({"--minprocs", "3", "--minfds=4"}).minprocs == 3);
    CHECK(parsed({"-l", ""}).logfile == std::nullopt);
    CHECK(parsed({"--profile_options", "calls"}).action == Action::Run);
    CHECK(parsed({"--"}).action == Action::Run);
    CHECK(parsed({"--check-config"}).action == Action::CheckConfig);
    CHECK(parsed({"--chec"}).action == Action::CheckConfig);
    CHECK(parsed({"--ch", "/usr"}).childlogdir == "/usr");  // unique before --check-config was there
}

TEST_CASE("help and version act where they stand") {
    CHECK(parsed({"-h"}).action == Action::Help);
    CHECK(parsed({"-?"}).action == Action::Help);
    CHECK(parsed({"-c", "bad.conf", "--help"}).action == Action::Help);
    CHECK(parsed({"-v", "-h"}).action == Action::Version);
    CHECK(parsed({"-h", "-m", "9"}).action == Action::Help);
    CHECK(refusal({"-m", "9", "-h"}) != "accepted");
    CHECK(refusal({"-h", "foo"}) == "positional arguments are not supported: ['foo']");
    std::string help = help_text("bin/supervisord");
    CHECK(
        help.starts_with("supervisord -- run a set of applications as daemons.\n\nUsage: bin/supervisord "
                         "[options]\n\nOptions:\n-c/--configuration FILENAME -- "));
    CHECK(help.ends_with("\n\n"));
}

TEST_CASE("bad usage") {
    CHECK(refusal({"-x"}) == "option -x not recognized");
    CHECK(refusal({"--nosuch"}) == "option --nosuch not recognized");
    CHECK(refusal({"--log=x"}) == "option --log not a unique prefix");
    CHECK(refusal({"--min=5"}) == "option --min not a unique prefix");
    CHECK(refusal({"--c"}) == "option --c not a unique prefix");
    CHECK(refusal({"-c"}) == "option -c requires argument");
    CHECK(refusal({"--user"}) == "option --user requires argument");
    CHECK(refusal({"--nodaemon=1"}) == "option --nodaemon must not have an argument");
    CHECK(refusal({"foo", "-c", "x"}) == "positional arguments are not supported: ['foo', '-c', 'x']");
    CHECK(refusal({"-n", "--", "foo"}) == "positional arguments are not supported: ['foo']");
    CHECK(refusal({"-n", "-n"}) == "conflicting command line option '-n'");
    CHECK(refusal({"-n", "--nodaemon"}) == "conflicting command line option '--nodaemon'");
    CHECK(refusal({"-m", "9"}) == "invalid value for -m '9': 9 can not be converted to an octal type");
    CHECK(refusal({"-e", "loud"}) == "invalid value for -e 'loud': bad logging level name 'loud'");
    CHECK(refusal({"-l", "/no/such/x"}) ==
          "invalid value for -l '/no/such/x': The directory named as part of the path /no/such/x does not "
          "exist");
}
