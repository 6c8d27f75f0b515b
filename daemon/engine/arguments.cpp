// The arguments of a call. See arguments.hpp.
#include "daemon/engine/arguments.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "common/text/signals.hpp"

namespace reeve {
namespace {

[[noreturn]] void wrong_type(const char* expected, const Value& value) {
    throw CallError{ServerError{std::string("an argument is not ") + expected + ": " + shown(value)}};
}

bool is_container(const Value& value) {
    return value.is(Value::Kind::Array) || value.is(Value::Kind::Struct);
}

std::string_view stripped(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\n\r\f\v";
    std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// A whole number beyond the range becomes the range's end: no log has more bytes.
std::optional<std::int64_t> parse_number(std::string_view text) {
    text = stripped(text);
    std::string digits;
    bool negative = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 0 && (text[0] == '+' || text[0] == '-')) {
            negative = text[0] == '-';
        } else if (text[i] >= '0' && text[i] <= '9') {
            digits += text[i];
        } else if (text[i] != '_' || digits.empty() || i + 1 == text.size() || text[i - 1] == '_') {
            return std::nullopt;
        }
    }
    if (digits.empty()) return std::nullopt;
    std::int64_t number = 0;
    auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (result.ec != std::errc()) number = std::numeric_limits<std::int64_t>::max();
    return negative ? -number : number;
}

std::int64_t cut(double number) {
    constexpr double kLimit = 9e18;
    if (number > kLimit) return std::numeric_limits<std::int64_t>::max();
    if (number < -kLimit) return -std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(number);
}

}  // namespace

bool is_true(const Value& value) {
    switch (value.kind()) {
        case Value::Kind::Nil: return false;
        case Value::Kind::Boolean:
        case Value::Kind::Int: return value.as_int() != 0;
        case Value::Kind::Double: return value.as_double() != 0;
        case Value::Kind::String: return !value.as_string().empty();
        case Value::Kind::Array: return !value.items().empty();
        case Value::Kind::Struct: return !value.members().empty();
    }
    return false;
}

const std::string& Arguments::name(std::size_t index) const {
    const Value& value = at(index);
    if (!value.is(Value::Kind::String)) wrong_type("a name", value);
    return value.as_string();
}

const std::string& Arguments::group_name(std::size_t index) const {
    const Value& value = at(index);
    if (is_container(value)) throw CallError{make_fault(FaultCode::IncorrectParameters)};
    if (value.is(Value::Kind::Nil)) throw CallError{make_fault(FaultCode::BadName)};
    if (!value.is(Value::Kind::String)) throw CallError{make_fault(FaultCode::BadName, shown(value))};
    return value.as_string();
}

bool Arguments::truth(std::size_t index, bool absent) const {
    return index < size() ? is_true(at(index)) : absent;
}

std::int64_t Arguments::number(std::size_t index) const {
    const Value& value = at(index);
    switch (value.kind()) {
        case Value::Kind::Boolean:
        case Value::Kind::Int: return value.as_int();
        case Value::Kind::Double:
            if (!std::isfinite(value.as_double())) wrong_type("a number", value);
            return cut(value.as_double());
        case Value::Kind::String:
            if (auto number = parse_number(value.as_string())) return *number;
            wrong_type("a number", value);
        default: throw CallError{make_fault(FaultCode::IncorrectParameters)};
    }
}

int Arguments::signal(std::size_t index) const {
    const Value& value = at(index);
    std::optional<int> signo;
    switch (value.kind()) {
        case Value::Kind::String: signo = parse_signal(value.as_string()); break;
        case Value::Kind::Boolean:
        case Value::Kind::Int: signo = parse_signal(std::to_string(value.as_int())); break;
        case Value::Kind::Double:
            if (std::isfinite(value.as_double()))
                signo = parse_signal(std::to_string(cut(value.as_double())));
            break;
        default: wrong_type("a signal", value);
    }
    if (!signo) throw CallError{make_fault(FaultCode::BadSignal, shown(value))};
    return *signo;
}

}  // namespace reeve
