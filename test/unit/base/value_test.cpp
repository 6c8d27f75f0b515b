// Values between the front and the engine: round trips, every cut, and forged sizes.
#include "common/rpcproto/value.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "common/rpcproto/methods.hpp"

using namespace reeve;

namespace {

std::string encoded(const Value& value) {
    std::string bytes;
    encode(value, bytes);
    return bytes;
}

Value nested(int levels) {
    Value value = Value::integer(1);
    for (int i = 1; i < levels; ++i) value = Value::array({value});
    return value;
}

Value rich() {
    Value structure = Value::structure();
    structure.add("name", Value::string(std::string("a\0b", 3)))
        .add("empty", Value::string(""))
        .add("pid", Value::integer(std::numeric_limits<std::int64_t>::min()))
        .add("yes", Value::boolean(true))
        .add("half", Value::real(0.5))
        .add("nil", Value());
    return Value::array({structure, Value::array(), Value::structure(), Value::boolean(false)});
}

}  // namespace

TEST_CASE("a value survives the way there and back") {
    CHECK(decode(encoded(rich())) == rich());
    CHECK(decode(encoded(Value())) == Value());
}

TEST_CASE("a value cut at any length, or with a byte to spare, is none") {
    std::string bytes = encoded(rich());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(decode(bytes.substr(0, length)).has_value());
    }
    CHECK_FALSE(decode(bytes + '\0').has_value());
}

TEST_CASE("any byte may be wrong: the answer is a value or none") {
    const std::string sound = encoded(rich());
    for (std::size_t i = 0; i < sound.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string bytes = sound;
            bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
            if (auto value = decode(bytes)) CHECK(encoded(*value) == bytes);
        }
    }
}

TEST_CASE("forged counts and sizes are refused before anything is reserved for them") {
    using namespace std::string_literals;
    CHECK_FALSE(decode("\x04\xFF\xFF\xFF\xFF"s).has_value());
    CHECK_FALSE(decode("\x05\xFF\xFF\xFF\xFF"s).has_value());
    CHECK_FALSE(decode("\x06\xFF\xFF\xFF\xFF"s).has_value());
    CHECK_FALSE(decode("\x07"s).has_value());
    CHECK_FALSE(decode("\x01\x02"s).has_value());
}

TEST_CASE("a hundred levels are allowed, and one more is not") {
    CHECK(decode(encoded(nested(kMaxDepth))).has_value());
    CHECK_FALSE(decode(encoded(nested(kMaxDepth + 1))).has_value());
    std::string endless;
    for (int i = 0; i < 1'000'000; ++i) endless.append("\x05\x01\0\0\0", 5);
    CHECK_FALSE(decode(endless).has_value());
}

TEST_CASE("what an encoder writes is the same") {
    std::string bytes;
    Encoder encoder(bytes);
    encoder.structure(2);
    encoder.name("a");
    encoder.integer(-5);
    encoder.name("b");
    encoder.string("text");
    Value value = Value::structure();
    value.add("a", Value::integer(-5)).add("b", Value::string("text"));
    std::string expected;
    encode(value, expected);
    CHECK(bytes == expected);

    std::string within;
    encode(Value::array({Value::encoded(bytes), Value::integer(1)}), within);
    CHECK(decode(within) == Value::array({value, Value::integer(1)}));
    CHECK(Value::encoded(bytes).is(Value::Kind::Nil));
}

TEST_CASE("of members with the same name the last one counts") {
    Value value = Value::structure();
    value.add("a", Value::integer(1)).add("a", Value::integer(2));
    REQUIRE(value.member("a") != nullptr);
    CHECK(value.member("a")->as_int() == 2);
    CHECK(value.member("b") == nullptr);
}

TEST_CASE("the method table is sorted, without doubles, and its signatures have all parameters") {
    std::string_view last;
    bool last_system = false;
    for (const MethodRow& row : method_table()) {
        CAPTURE(row.name);
        if (row.system == last_system) CHECK(last < row.name);
        last = row.name;
        last_system = row.system;
        CHECK(find_method(row.system, row.name) == &row);
        CHECK(row.required <= row.allowed);
        std::size_t types = row.signature.empty() ? 0 : 1;
        for (char c : row.signature) types += c == ' ' ? 1 : 0;
        CHECK(types >= row.required + 1u);
        CHECK_FALSE(row.help.empty());
    }
    CHECK(find_method(false, "listMethods") == nullptr);
    CHECK(find_method(true, "startProcess") == nullptr);
    CHECK(find_method(false, "") == nullptr);
}
