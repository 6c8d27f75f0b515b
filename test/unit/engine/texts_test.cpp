// Arguments as loose as clients send them, and the texts that answers are made of.
#include <doctest/doctest.h>

#include <cmath>

#include "daemon/engine/arguments.hpp"
#include "daemon/engine/describe.hpp"

using namespace reeve;

namespace {

Arguments one(const Value& value) { return Arguments({&value, 1}); }

// How a conversion fails: the fault's text, "500", or "" if it does not.
template <typename Take>
std::string failure(Take take) {
    try {
        take();
        return "";
    } catch (const CallError& error) {
        const auto* fault = std::get_if<Fault>(&error.outcome);
        return fault != nullptr ? fault->text : "500";
    }
}

}  // namespace

TEST_CASE("numbers") {
    auto number = [](const Value& value) { return one(value).number(0); };
    CHECK(number(Value::integer(-4)) == -4);
    CHECK(number(Value::boolean(true)) == 1);
    CHECK(number(Value::real(3.9)) == 3);
    CHECK(number(Value::real(-3.9)) == -3);
    CHECK(number(Value::string(" +1_000 ")) == 1000);
    CHECK(number(Value::string("99999999999999999999")) == INT64_MAX);
    for (const char* bad : {"", "x", "1.5", "_1", "1_", "1__2", "- 1"}) {
        CHECK(failure([&] { number(Value::string(bad)); }) == "500");
    }
    CHECK(failure([&] { number(Value::real(NAN)); }) == "500");
    CHECK(failure([&] { number(Value::array()); }) == "INCORRECT_PARAMETERS");
}

TEST_CASE("names") {
    CHECK(one(Value::string("a")).name(0) == "a");
    CHECK(failure([] { one(Value::integer(5)).name(0); }) == "500");
    CHECK(failure([] { one(Value::integer(5)).group_name(0); }) == "BAD_NAME: 5");
    CHECK(failure([] { one(Value()).group_name(0); }) == "BAD_NAME");
    CHECK(failure([] { one(Value::array()).group_name(0); }) == "INCORRECT_PARAMETERS");
}

TEST_CASE("truth") {
    CHECK(one(Value::string("no")).truth(0, false));
    CHECK(!one(Value::string("")).truth(0, true));
    CHECK(!one(Value::integer(0)).truth(0, true));
    CHECK(Arguments({}).truth(0, true));
}

TEST_CASE("signals") {
    auto signal = [](const Value& value) { return one(value).signal(0); };
    CHECK(signal(Value::string("hup")) == 1);
    CHECK(signal(Value::string(" SIGUSR1 ")) == 10);
    CHECK(signal(Value::integer(15)) == 15);
    CHECK(signal(Value::real(15.9)) == 15);
    CHECK(signal(Value::integer(0)) == 0);
    CHECK(failure([&] { signal(Value::string("BAD")); }) == "BAD_SIGNAL: BAD");
    CHECK(failure([&] { signal(Value::integer(35)); }) == "BAD_SIGNAL: 35");
    CHECK(failure([&] { signal(Value::array()); }) == "500");
}

TEST_CASE("values as texts show them") {
    Value list = Value::array({Value::integer(1), Value::string("x"), Value::boolean(true), Value()});
    CHECK(shown(list) == "[1, 'x', True, None]");
    CHECK(shown(Value::structure({{"a", Value::real(1)}, {"b", Value::string("it's")}})) ==
          "{'a': 1.0, 'b': \"it's\"}");
    CHECK(shown(Value::string("plain")) == "plain");
}

TEST_CASE("uptime") {
    CHECK(uptime_text(275) == "0:04:35");
    CHECK(uptime_text(36000) == "10:00:00");
    CHECK(uptime_text(86400) == "1 day, 0:00:00");
    CHECK(uptime_text(2 * 86400 + 3661) == "2 days, 1:01:01");
    CHECK(uptime_text(-5) == "0:00:00");
}

TEST_CASE("numbers on the wire have 32 bits") {
    CHECK(wire_int(std::int64_t{1} << 40).as_int() == 2147483647);
    CHECK(wire_int(-(std::int64_t{1} << 40)).as_int() == -2147483648LL);
    CHECK(wire_int(-5).as_int() == -5);
}
