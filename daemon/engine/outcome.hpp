// How a method ends: with a value, with a fault of the API, or with an error that HTTP calls 500.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/rpcproto/value.hpp"

namespace reeve {

enum class FaultCode : int {
    UnknownMethod = 1,
    IncorrectParameters = 2,
    BadArguments = 3,
    SignatureUnsupported = 4,
    ShutdownState = 6,
    BadName = 10,
    BadSignal = 11,
    NoFile = 20,
    NotExecutable = 21,
    Failed = 30,
    AbnormalTermination = 40,
    SpawnError = 50,
    AlreadyStarted = 60,
    NotRunning = 70,
    Success = 80,  // no fault: the status of a struct that says OK
    AlreadyAdded = 90,
    StillRunning = 91,
    CantReread = 92,
};

struct Fault {
    FaultCode code;
    std::string text;  // "BAD_NAME: x"
};
// "NAME", or "NAME: detail".
Fault make_fault(FaultCode code);
Fault make_fault(FaultCode code, std::string_view detail);

struct ServerError {
    std::string text;  // for the log; clients see only HTTP 500
};

using Outcome = std::variant<Value, Fault, ServerError>;
using Answer = std::function<void(Outcome)>;
using MaybeFault = std::optional<Fault>;

// Ends a method early. Thrown by the checks of arguments, caught where the method was called.
struct CallError {
    Outcome outcome;
};

// A value as the API's texts show it: 5, True, [1, 'x'], None.
std::string shown(const Value& value);

}  // namespace reeve
