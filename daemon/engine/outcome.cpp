// Faults and how values look in texts. See outcome.hpp.
#include "daemon/engine/outcome.hpp"

#include <charconv>
#include <cmath>

#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

std::string_view fault_name(FaultCode code) {
    switch (code) {
        case FaultCode::UnknownMethod: return "UNKNOWN_METHOD";
        case FaultCode::IncorrectParameters: return "INCORRECT_PARAMETERS";
        case FaultCode::BadArguments: return "BAD_ARGUMENTS";
        case FaultCode::SignatureUnsupported: return "SIGNATURE_UNSUPPORTED";
        case FaultCode::ShutdownState: return "SHUTDOWN_STATE";
        case FaultCode::BadName: return "BAD_NAME";
        case FaultCode::BadSignal: return "BAD_SIGNAL";
        case FaultCode::NoFile: return "NO_FILE";
        case FaultCode::NotExecutable: return "NOT_EXECUTABLE";
        case FaultCode::Failed: return "FAILED";
        case FaultCode::AbnormalTermination: return "ABNORMAL_TERMINATION";
        case FaultCode::SpawnError: return "SPAWN_ERROR";
        case FaultCode::AlreadyStarted: return "ALREADY_STARTED";
        case FaultCode::NotRunning: return "NOT_RUNNING";
        case FaultCode::Success: return "SUCCESS";
        case FaultCode::AlreadyAdded: return "ALREADY_ADDED";
        case FaultCode::StillRunning: return "STILL_RUNNING";
        case FaultCode::CantReread: return "CANT_REREAD";
    }
    return "FAILED";
}

std::string number_text(double number) {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
    char buffer[64];
    auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
    std::string text(buffer, result.ptr);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

// Inside of another value strings are quoted.
std::string nested(const Value& value) {
    return value.is(Value::Kind::String) ? py_repr(value.as_string()) : shown(value);
}

}  // namespace

Fault make_fault(FaultCode code) { return {code, std::string(fault_name(code))}; }

Fault make_fault(FaultCode code, std::string_view detail) {
    return {code, std::string(fault_name(code)) + ": " + std::string(detail)};
}

std::string shown(const Value& value) {
    switch (value.kind()) {
        case Value::Kind::Nil: return "None";
        case Value::Kind::Boolean: return value.as_boolean() ? "True" : "False";
        case Value::Kind::Int: return std::to_string(value.as_int());
        case Value::Kind::Double: return number_text(value.as_double());
        case Value::Kind::String: return value.as_string();
        case Value::Kind::Array: {
            std::string text = "[";
            for (const Value& item : value.items()) text += (text.size() > 1 ? ", " : "") + nested(item);
            return text + "]";
        }
        case Value::Kind::Struct: {
            std::string text = "{";
            for (const auto& [name, item] : value.members()) {
                text += (text.size() > 1 ? ", " : "") + py_repr(name) + ": " + nested(item);
            }
            return text + "}";
        }
    }
    return "";
}

}  // namespace reeve
