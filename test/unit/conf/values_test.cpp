// The types of values, and what is said about bad ones.
#include <doctest/doctest.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <climits>
#include <string>

#include "common/conf/options.hpp"
#include "common/conf/paths.hpp"
#include "common/conf/suggest.hpp"
#include "common/conf/unicode.hpp"
#include "common/conf/values.hpp"

using namespace reeve;

namespace {

template <typename Act>
std::string refusal(Act act) {
    try {
        act();
    } catch (const ConfigError& error) {
        return error.text();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("integers") {
    struct Row {
        const char* text;
        std::int64_t value;
    };
    for (Row row : {Row{"0", 0}, Row{" 7 ", 7}, Row{"007", 7}, Row{"+5", 5}, Row{"-5", -5},
                    Row{"1_000", 1000}, Row{"\u0663", 3}, Row{"9223372036854775807", INT64_MAX}}) {
        CHECK(parse_integer(row.text) == row.value);
    }
    for (const char* text : {"", "1.5", "0x10", "1__0", "- 1", "_1", "1_", "+", "1 2"}) {
        CHECK(refusal([&] { parse_integer(text); }) ==
              "invalid literal for int() with base 10: '" + std::string(text) + "'");
    }
    CHECK(refusal([] { parse_integer("9223372036854775808"); }) ==
          "9223372036854775808 is too large a number");
}

TEST_CASE("booleans") {
    for (const char* text : {"yes", "True", "ON", "1"}) CHECK(parse_boolean(text));
    for (const char* text : {"no", "False", "OFF", "0"}) CHECK_FALSE(parse_boolean(text));
    for (const char* text : {"", "y", "2", "\"true\"", " true"})
        CHECK(refusal([&] { parse_boolean(text); }).starts_with("not a valid boolean value: "));
}

TEST_CASE("byte sizes") {
    CHECK(parse_byte_size("1000") == 1000);
    CHECK(parse_byte_size("2gB") == 2LL * 1024 * 1024 * 1024);
    CHECK(parse_byte_size("1 KB") == 1024);
    CHECK(parse_byte_size("-3mb") == -3 * 1024 * 1024);
    const std::string error = "invalid literal for int() with base 10: ";
    CHECK(refusal([] { parse_byte_size("1.5MB"); }) == error + "'1.5'");
    CHECK(refusal([] { parse_byte_size("1TB"); }) == error + "'1tb'");
    CHECK(refusal([] { parse_byte_size("MB"); }) == error + "''");
    CHECK(refusal([] { parse_byte_size("1m"); }) == error + "'1m'");
    CHECK(refusal([] { parse_byte_size("99999999999999GB"); }) == "99999999999999GB is too large a number");
}

TEST_CASE("octal numbers") {
    for (const char* text : {"22", "022", "0o22", "0O22", " 2_2"}) CHECK(parse_octal(text) == 18);
    for (const char* text : {"", "9", "0x1", "0o"})
        CHECK(refusal([&] { parse_octal(text); }) ==
              std::string(text) + " can not be converted to an octal type");
}

TEST_CASE("log levels, autorestart, signals, exit codes") {
    CHECK(parse_loglevel("CRITICAL") == Level::Critical);
    CHECK(parse_loglevel("blather") == Level::Blather);
    CHECK(refusal([] { parse_loglevel("warning"); }) == "bad logging level name 'warning'");
    CHECK(parse_autorestart("Unexpected") == AutorestartValue::Unexpected);
    CHECK(parse_autorestart("on") == AutorestartValue::Yes);
    CHECK(refusal([] { parse_autorestart("NEVER"); }) == "invalid 'autorestart' value 'never'");
    CHECK(parse_signal_value("sigterm") == 15);
    CHECK(parse_signal_value("Hup") == 1);
    CHECK(parse_signal_value(" 9 ") == 9);
    CHECK(parse_signal_value("0") == 0);
    CHECK(parse_signal_value("RTMIN") == 34);
    CHECK(refusal([] { parse_signal_value("FOO"); }) == "value 'FOO' is not a valid signal name");
    CHECK(refusal([] { parse_signal_value("RTMIN+1"); }) == "value 'RTMIN+1' is not a valid signal name");
    CHECK(refusal([] { parse_signal_value("63"); }) == "value '63' is not a valid signal number");
    CHECK(parse_exit_codes("0, 2,255") == std::vector<std::int32_t>{0, 2, 255});
    CHECK(parse_exit_codes("").empty());
    for (const char* text : {"0,", "256", "-1", "a"}) {
        CHECK(refusal([&] { parse_exit_codes(text); }) ==
              "not a valid list of exit codes: '" + std::string(text) + "'");
    }
}

TEST_CASE("lists and names") {
    CHECK(parse_list("").empty());
    CHECK(parse_list("a, b ,,") == std::vector<std::string>{"a", "b", "", ""});
    CHECK(parse_name(" a]b\t") == "a]b");
    CHECK(parse_name("").empty());
    CHECK(refusal([] { parse_name("a:b c"); }) == "Invalid name: 'a:b c' because of character: ' '");
    CHECK(refusal([] { parse_name(" a/b:c"); }) == "Invalid name: ' a/b:c' because of character: ':'");
}

TEST_CASE("files and directories") {
    CHECK(parse_existing_directory("/usr") == "/usr");
    CHECK(refusal([] { parse_existing_directory("/no/such"); }) == "/no/such is not an existing directory");
    CHECK(parse_existing_dirpath("x.log") == "x.log");
    CHECK(parse_existing_dirpath("").empty());
    CHECK(parse_existing_dirpath("/usr/x.log") == "/usr/x.log");
    CHECK(refusal([] { parse_existing_dirpath("/no/such/x"); }) ==
          "The directory named as part of the path /no/such/x does not exist");
    CHECK(parse_logfile_name("none").kind == LogfileKind::None);
    CHECK(parse_logfile_name("OFF").kind == LogfileKind::None);
    CHECK(parse_logfile_name("").kind == LogfileKind::None);
    CHECK(parse_logfile_name("Auto").kind == LogfileKind::Auto);
    CHECK(parse_logfile_name("SysLog").kind == LogfileKind::Syslog);
    CHECK(parse_logfile_name("/usr/x").path == "/usr/x");
}

TEST_CASE("users and owners") {
    CHECK(parse_user("root") == 0);
    CHECK(parse_user("0") == 0);
    CHECK(refusal([] { parse_user("nosuch"); }) == "Invalid user name nosuch");
    CHECK(refusal([] { parse_user("54321"); }) == "Invalid user id 54321");
    CHECK(refusal([] { parse_user(""); }) == "Invalid user name ");
    CHECK_FALSE(parse_owner("root").gid.has_value());
    CHECK(parse_owner("root:root").gid == 0);
    CHECK(parse_owner("0:0").gid == 0);
    CHECK(refusal([] { parse_owner("root.root"); }) != "accepted");
    CHECK(refusal([] { parse_owner("root:"); }) != "accepted");
    CHECK(refusal([] { parse_owner(":root"); }) != "accepted");
}

TEST_CASE("addresses") {
    for (const char* text : {"9001", ":9001", "*:9001"}) {
        CHECK(parse_inet_address(text).host.empty());
        CHECK(parse_inet_address(text).port == 9001);
    }
    CHECK(parse_inet_address("LOCALHOST:9001").host == "localhost");
    CHECK(parse_inet_address("[::1]:9001").host == "[::1]");
    CHECK(refusal([] { parse_inet_address("127.0.0.1:"); }) == "no port number specified in ''");
    for (const char* text : {"abc", "0", "70000", "*", "0x10", ""}) {
        CHECK(refusal([&] { parse_inet_address(text); }) ==
              "not a valid port number: '" + std::string(text) + "' ");
    }
    CHECK(refusal([] { parse_inet_address("h:abc"); }) == "invalid literal for int() with base 10: 'abc'");
    CHECK(refusal([] { parse_inet_address("h:0"); }) == "0 is below lower bound (1)");
    CHECK(refusal([] { parse_inet_address("h:70000"); }) == "70000 is above upper bound (65535)");

    CHECK(parse_fcgi_address("unix:///a/../b/./c").url() == "unix:///b/c");
    CHECK(parse_fcgi_address("tcp://LocalHost:80").url() == "tcp://localhost:80");
    CHECK(refusal([] { parse_fcgi_address("unix://a"); }) ==
          "('Unix socket path %s is not an absolute path', 'a')");
    for (const char* text : {"udp://x", "tcp://a", "tcp://:1", "tcp://a:", "tcp://a:b", "tcp://a b:1",
                             "tcp://a:1/x", "unix:/a"}) {
        CHECK(refusal([&] { parse_fcgi_address(text); }) ==
              "('Bad socket format %s', '" + std::string(text) + "')");
    }
    CHECK(refusal([] { parse_fcgi_address("tcp://a:0"); }) == "0 is below lower bound (1)");
}

TEST_CASE("environment lists") {
    struct Row {
        const char* text;
        Environment result;
    };
    const Row rows[] = {
        {"A=1,B=2", {{"A", "1"}, {"B", "2"}}},
        {"A=\"1\",B='2'", {{"A", "1"}, {"B", "2"}}},
        {"A = 1 , B = 2", {{"A", "1"}, {"B", "2"}}},
        {"\"A\"=\"1\"", {{"A", "1"}}},
        {"", {}},
        {"A=1,", {{"A", "1"}}},
        {"A=1\n,B=2", {{"A", "1"}, {"B", "2"}}},
        {"A=\"l1\nl2\"", {{"A", "l1\nl2"}}},
        {"A=\"\",B=1", {{"A", ""}, {"B", "1"}}},
        {"A=a b", {{"A", "a"}}},
        {"A=1;B=2", {{"A", "1"}, {"B", "2"}}},
        {"A==b", {{"A", "="}}},
        {"A=@x", {{"A", "@"}}},
        {"A=$HOME", {{"A", "$"}}},
        {"A=~/x", {{"A", "~"}}},
        {"A=http://x.y:80/z", {{"A", "http://x.y:80/z"}}},
        {"A=http://x.y/z?q=1", {{"A", "http://x.y/z"}, {"q", "1"}}},
        {"A=1#c,B=2", {{"A", "1"}}},
        {"A=\"#x\"", {{"A", "#x"}}},
        {"A=a\\,b", {{"A", "a,b"}}},
        {"A=a\\b", {{"A", "ab"}}},
        {"A=\"a\\\"b\"", {{"A", "a\"b"}}},
        {"A=\"a\\\\b\"", {{"A", "a\\b"}}},
        {"A=\"a\\nb\"", {{"A", "a\\nb"}}},
        {"A='a\\'", {{"A", "a\\"}}},
        {"A=foo\"bar baz\"", {{"A", "foobar baz"}}},
        {"A=\"a\"\"b\"", {{"A", "ab"}}},
        {"A='a'\"b\"", {{"A", "ab"}}},
        {"A=café", {{"A", "café"}}},
        {"A=日本", {{"A", "日"}}},
        {"A=\"日本\"", {{"A", "日本"}}},
        {"\"A B\"=1", {{"A B", "1"}}},
        {"A:B=1", {{"A:B", "1"}}},
        {"A=1,B=2,A=3", {{"A", "3"}, {"B", "2"}}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_environment(row.text) == row.result);
    }
    for (const char* text : {"A=", "A=,B=1", "A=1,,B=2", ",A=1", "A", "=1", "A=x,B", "A=x,B=", "A=a b,B=2",
                             "A=1 B=2", "A=a=b,B=2", "A=foo@bar", "A=a*b", "A=[x]", "A=a%b"}) {
        CAPTURE(text);
        CHECK(refusal([&] { parse_environment(text); }) ==
              "Unexpected end of key/value pairs in value '" + std::string(text) + "'");
    }
    CHECK(refusal([] { parse_environment("A=\"x"); }) == "No closing quotation");
    CHECK(refusal([] { parse_environment("A=x\\"); }) == "No escaped character");
}

TEST_CASE("paths") {
    struct Row {
        const char* path;
        const char* result;
    };
    for (Row row : {Row{"", "."}, Row{"/", "/"}, Row{"//a", "//a"}, Row{"///a", "/a"},
                    Row{"a//b/../c/.", "a/c"}, Row{"/..", "/"}, Row{"../a", "../a"}, Row{"a/../..", ".."}})
        CHECK(normalize_path(row.path) == row.result);
    CHECK(directory_of("/a/b") == "/a");
    CHECK(directory_of("/a") == "/");
    CHECK(directory_of("a").empty());
    CHECK(join_path("/a", "b") == "/a/b");
    CHECK(join_path("/a", "/b") == "/b");
    CHECK(join_path("", "b") == "b");
    ::setenv("HOME", "/home/me/", 1);
    CHECK(expand_user("~/x") == "/home/me/x");
    CHECK(expand_user("~root/x") == std::string(::getpwnam("root")->pw_dir) + "/x");
    CHECK(expand_user("~nosuch/x") == "~nosuch/x");
    CHECK(expand_user("a~") == "a~");
    CHECK(default_config_paths("/usr/bin/supervisord").front() == "/usr/etc/supervisord.conf");
    CHECK(default_config_paths("../bin/supervisord").front() == "../etc/supervisord.conf");
    CHECK(default_config_paths("supervisord").front() == "etc/supervisord.conf");
    CHECK(default_config_paths("supervisord").size() == 6);
}

TEST_CASE("suggestions") {
    constexpr std::string_view kWords[] = {"autostart", "autorestart", "user"};
    CHECK(nearest("autostrat", kWords) == "autostart");
    CHECK(nearest("autorestar", kWords) == "autorestart");
    CHECK(nearest("usr", kWords) == "user");
    CHECK(nearest("zzz", kWords).empty());
    CHECK(did_you_mean("uesr", kWords) == "; did you mean 'user'?");
}

TEST_CASE("white space and case are Unicode's") {
    CHECK(trim("\u00a0\u3000 x\u2028\t\x1f") == "x");
    CHECK(trim("\u200bx") == "\u200bx");
    CHECK(to_lower("ÀB") == "àb");
    CHECK(to_upper("éa") == "ÉA");
}

TEST_CASE("every key occurs once in the table") {
    for (const Option& option : kOptions) CHECK(find_option(option.section, option.key) == &option);
}
