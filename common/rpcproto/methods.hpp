// The table of all XML-RPC methods: one row each, for dispatch in the engine, system.listMethods,
// methodHelp, methodSignature, and the manual.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace reeve {

enum class Method : std::uint16_t {
    GetAPIVersion,
    GetSupervisorVersion,
    GetIdentification,
    GetState,
    GetPID,
    ReadLog,
    ClearLog,
    Shutdown,
    Restart,
    ReloadConfig,
    AddProcessGroup,
    RemoveProcessGroup,
    StartProcess,
    StartProcessGroup,
    StartAllProcesses,
    StopProcess,
    StopProcessGroup,
    StopAllProcesses,
    SignalProcess,
    SignalProcessGroup,
    SignalAllProcesses,
    GetAllConfigInfo,
    GetProcessInfo,
    GetAllProcessInfo,
    ReadProcessStdoutLog,
    ReadProcessStderrLog,
    TailProcessStdoutLog,
    TailProcessStderrLog,
    ClearProcessLogs,
    ClearAllProcessLogs,
    SendProcessStdin,
    SendRemoteCommEvent,
    // system.*
    ListMethods,
    MethodHelp,
    MethodSignature,
    Multicall,
};

struct MethodRow {
    std::string_view name;  // without the namespace
    bool system;            // in system.*, else in each configured namespace
    Method method;
    std::string_view signature;  // blank-separated types, the result first: "boolean string boolean"
    std::uint8_t required;       // parameters that must be given
    std::uint8_t allowed;        // parameters that may be given
    std::string_view help;
};

// All rows, aliases included, sorted by name within a namespace.
std::span<const MethodRow> method_table();

// The row of a name without its namespace, or nullptr.
const MethodRow* find_method(bool system, std::string_view name);

// Whether a method changes nothing, so that it may be made twice and leaves no line in the log. A multicall may
// hold anything.
bool only_reads(Method method);

}  // namespace reeve
