// The table of all XML-RPC methods (the names and types of Supervisor's XML-RPC API). See methods.hpp.
#include "common/rpcproto/methods.hpp"

namespace reeve {
namespace {

constexpr MethodRow kMethods[] = {
    {"addProcessGroup", false, Method::AddProcessGroup, "boolean string", 1, 1,
     "Makes a group of the configuration last read active.\n\nname: the group. Returns true. Faults: "
     "SHUTDOWN_STATE, ALREADY_ADDED, BAD_NAME."},
    {"clearAllProcessLogs", false, Method::ClearAllProcessLogs, "array", 0, 0,
     "Empties the logs of all processes.\n\nReturns an array of status structs."},
    {"clearLog", false, Method::ClearLog, "boolean", 0, 0,
     "Empties the main log.\n\nReturns true. Faults: NO_FILE, FAILED."},
    {"clearProcessLog", false, Method::ClearProcessLogs, "boolean string", 1, 1,
     "The same as clearProcessLogs."},
    {"clearProcessLogs", false, Method::ClearProcessLogs, "boolean string", 1, 1,
     "Empties the stdout and stderr logs of a process.\n\nname: the process ('group:name' or 'name'). "
     "Returns true. Faults: BAD_NAME, FAILED."},
    {"getAPIVersion", false, Method::GetAPIVersion, "string", 0, 0, "Returns the version of this API."},
    {"getAllConfigInfo", false, Method::GetAllConfigInfo, "array", 0, 0,
     "Returns a struct for each configured process, as of the last successful read of the configuration."},
    {"getAllProcessInfo", false, Method::GetAllProcessInfo, "array", 0, 0,
     "Returns a struct as of getProcessInfo for each process."},
    {"getIdentification", false, Method::GetIdentification, "string", 0, 0,
     "Returns the identifier of this supervisord."},
    {"getPID", false, Method::GetPID, "int", 0, 0, "Returns the process id of supervisord."},
    {"getProcessInfo", false, Method::GetProcessInfo, "struct string", 1, 1,
     "Returns a struct that describes one process.\n\nname: the process ('group:name' or 'name'). Faults: "
     "BAD_NAME."},
    {"getState", false, Method::GetState, "struct", 0, 0,
     "Returns the state of supervisord as a struct of statecode and statename."},
    {"getSupervisorVersion", false, Method::GetSupervisorVersion, "string", 0, 0,
     "Returns the version of supervisord."},
    {"getVersion", false, Method::GetAPIVersion, "string", 0, 0, "The same as getAPIVersion."},
    {"readLog", false, Method::ReadLog, "string int int", 2, 2,
     "Reads a slice of the main log.\n\noffset: in bytes; negative counts from the end. length: in bytes; 0 "
     "reads to the end. Faults: NO_FILE, BAD_ARGUMENTS, FAILED."},
    {"readMainLog", false, Method::ReadLog, "string int int", 2, 2, "The same as readLog."},
    {"readProcessLog", false, Method::ReadProcessStdoutLog, "string string int int", 3, 3,
     "The same as readProcessStdoutLog."},
    {"readProcessStderrLog", false, Method::ReadProcessStderrLog, "string string int int", 3, 3,
     "Reads a slice of a process's stderr log.\n\nname: the process. offset: in bytes; negative counts from "
     "the end. length: in bytes; 0 reads to the end. Faults: BAD_NAME, NO_FILE, BAD_ARGUMENTS, FAILED."},
    {"readProcessStdoutLog", false, Method::ReadProcessStdoutLog, "string string int int", 3, 3,
     "Reads a slice of a process's stdout log.\n\nname: the process. offset: in bytes; negative counts from "
     "the end. length: in bytes; 0 reads to the end. Faults: BAD_NAME, NO_FILE, BAD_ARGUMENTS, FAILED."},
    {"reloadConfig", false, Method::ReloadConfig, "array", 0, 0,
     "Reads the configuration again and compares it; starts and stops nothing.\n\nReturns [[added, changed, "
     "removed]], arrays of group names. Faults: CANT_REREAD."},
    {"removeProcessGroup", false, Method::RemoveProcessGroup, "boolean string", 1, 1,
     "Removes a group whose processes are all stopped.\n\nname: the group. Returns true. Faults: BAD_NAME, "
     "STILL_RUNNING."},
    {"restart", false, Method::Restart, "boolean", 0, 0,
     "Stops everything and starts again with the configuration as it is then.\n\nReturns true. Faults: "
     "CANT_REREAD."},
    {"sendProcessStdin", false, Method::SendProcessStdin, "boolean string string", 2, 2,
     "Writes text to a process's stdin, as UTF-8.\n\nname: the process. chars: the text. Returns true. "
     "Faults: INCORRECT_PARAMETERS, BAD_NAME, NOT_RUNNING, NO_FILE, FAILED."},
    {"sendRemoteCommEvent", false, Method::SendRemoteCommEvent, "boolean string string", 2, 2,
     "Sends an event to the listeners of REMOTE_COMMUNICATION.\n\ntype, data: the event's key and content. "
     "Returns true."},
    {"shutdown", false, Method::Shutdown, "boolean", 0, 0,
     "Stops everything, then ends supervisord.\n\nReturns true."},
    {"signalAllProcesses", false, Method::SignalAllProcesses, "array string", 1, 1,
     "Sends a signal to every process that runs.\n\nsignal: a name ('HUP') or a number. Returns an array of "
     "status structs."},
    {"signalProcess", false, Method::SignalProcess, "boolean string string", 2, 2,
     "Sends a signal to a process.\n\nname: the process, or 'group:*'. signal: a name ('HUP') or a number. "
     "Returns true. Faults: BAD_NAME, BAD_SIGNAL, NOT_RUNNING, FAILED."},
    {"signalProcessGroup", false, Method::SignalProcessGroup, "array string string", 2, 2,
     "Sends a signal to every running process of a group.\n\nname: the group. signal: a name ('HUP') or a "
     "number. Returns an array of status structs. Faults: BAD_NAME."},
    {"startAllProcesses", false, Method::StartAllProcesses, "array boolean", 0, 1,
     "Starts every process that is not running.\n\nwait: answer when each has started (default true). "
     "Returns an array of status structs."},
    {"startProcess", false, Method::StartProcess, "boolean string boolean", 1, 2,
     "Starts a process.\n\nname: the process, or 'group:*'. wait: answer when it has started (default true). "
     "Returns true. Faults: BAD_NAME, NO_FILE, NOT_EXECUTABLE, ALREADY_STARTED, SPAWN_ERROR, "
     "ABNORMAL_TERMINATION."},
    {"startProcessGroup", false, Method::StartProcessGroup, "array string boolean", 1, 2,
     "Starts the processes of a group that are not running.\n\nname: the group. wait: answer when each has "
     "started (default true). Returns an array of status structs. Faults: BAD_NAME."},
    {"stopAllProcesses", false, Method::StopAllProcesses, "array boolean", 0, 1,
     "Stops every process that runs.\n\nwait: answer when each has stopped (default true). Returns an array "
     "of status structs."},
    {"stopProcess", false, Method::StopProcess, "boolean string boolean", 1, 2,
     "Stops a process.\n\nname: the process, or 'group:*'. wait: answer when it has stopped (default true). "
     "Returns true. Faults: BAD_NAME, NOT_RUNNING, FAILED."},
    {"stopProcessGroup", false, Method::StopProcessGroup, "array string boolean", 1, 2,
     "Stops the processes of a group.\n\nname: the group. wait: answer when each has stopped (default true). "
     "Returns an array of status structs. Faults: BAD_NAME."},
    {"tailProcessLog", false, Method::TailProcessStdoutLog, "array string int int", 3, 3,
     "The same as tailProcessStdoutLog."},
    {"tailProcessStderrLog", false, Method::TailProcessStderrLog, "array string int int", 3, 3,
     "Reads the end of a process's stderr log.\n\nname: the process. offset, length: in bytes. Returns "
     "[bytes, offset, overflow]. Faults: BAD_NAME."},
    {"tailProcessStdoutLog", false, Method::TailProcessStdoutLog, "array string int int", 3, 3,
     "Reads the end of a process's stdout log.\n\nname: the process. offset, length: in bytes. Returns "
     "[bytes, offset, overflow]. Faults: BAD_NAME."},
    {"listMethods", true, Method::ListMethods, "array", 0, 0, "Returns the names of all methods."},
    {"methodHelp", true, Method::MethodHelp, "string string", 1, 1,
     "Returns what a method does.\n\nname: the method. Faults: SIGNATURE_UNSUPPORTED."},
    {"methodSignature", true, Method::MethodSignature, "array string", 1, 1,
     "Returns the types of a method as one flat array, that of the result first.\n\nname: the method. "
     "Faults: SIGNATURE_UNSUPPORTED."},
    {"multicall", true, Method::Multicall, "array array", 1, 1,
     "Makes several calls in order.\n\ncalls: structs of methodName and params. Returns an array of bare "
     "results; a failed call is a struct of faultCode and faultString."},
};

}  // namespace

std::span<const MethodRow> method_table() { return kMethods; }

const MethodRow* find_method(bool system, std::string_view name) {
    for (const MethodRow& row : kMethods) {
        if (row.system == system && row.name == name) return &row;
    }
    return nullptr;
}

}  // namespace reeve
