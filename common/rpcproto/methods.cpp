// The table of all XML-RPC methods (the names and types of Supervisor's XML-RPC API). See methods.hpp.
#include "common/rpcproto/methods.hpp"

namespace reeve {
namespace {

constexpr MethodRow kMethods[] = {
    {"addProcessGroup", false, Method::AddProcessGroup, "boolean string", 1, 1,
     "Makes a group of the configuration last read active.\n\n"
     "@param string name: the group\n"
     "@return boolean: true\n"
     "Faults: ALREADY_ADDED, BAD_NAME"},
    {"clearAllProcessLogs", false, Method::ClearAllProcessLogs, "array", 0, 0,
     "Empties the logs of all processes.\n\n"
     "@return array: a struct of name, group, status and description for each process concerned"},
    {"clearLog", false, Method::ClearLog, "boolean", 0, 0,
     "Empties the main log.\n\n"
     "@return boolean: true\n"
     "Faults: NO_FILE, FAILED"},
    {"clearProcessLog", false, Method::ClearProcessLogs, "boolean string", 1, 1,
     "The same as clearProcessLogs.\n\n"
     "Empties the stdout and stderr logs of a process.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@return boolean: true\n"
     "Faults: BAD_NAME, FAILED"},
    {"clearProcessLogs", false, Method::ClearProcessLogs, "boolean string", 1, 1,
     "Empties the stdout and stderr logs of a process.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@return boolean: true\n"
     "Faults: BAD_NAME, FAILED"},
    {"getAPIVersion", false, Method::GetAPIVersion, "string", 0, 0,
     "Tells the version of this API.\n\n"
     "@return string: the version"},
    {"getAllConfigInfo", false, Method::GetAllConfigInfo, "array", 0, 0,
     "Describes each configured process, as of the last successful read of the configuration.\n\n"
     "@return array: a struct for each process"},
    {"getAllProcessInfo", false, Method::GetAllProcessInfo, "array", 0, 0,
     "Describes all processes.\n\n"
     "@return array: a struct as of getProcessInfo for each process"},
    {"getIdentification", false, Method::GetIdentification, "string", 0, 0,
     "Tells the identifier of this supervisord.\n\n"
     "@return string: the identifier"},
    {"getPID", false, Method::GetPID, "int", 0, 0,
     "Tells the process id of supervisord.\n\n"
     "@return int: the process id"},
    {"getProcessInfo", false, Method::GetProcessInfo, "struct string", 1, 1,
     "Describes one process.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@return struct: the description\n"
     "Faults: BAD_NAME"},
    {"getState", false, Method::GetState, "struct", 0, 0,
     "Tells the state of supervisord.\n\n"
     "@return struct: statecode and statename"},
    {"getSupervisorVersion", false, Method::GetSupervisorVersion, "string", 0, 0,
     "Tells the version of supervisord.\n\n"
     "@return string: the version"},
    {"getVersion", false, Method::GetAPIVersion, "string", 0, 0,
     "The same as getAPIVersion.\n\n"
     "Tells the version of this API.\n\n"
     "@return string: the version"},
    {"readLog", false, Method::ReadLog, "string int int", 2, 2,
     "Reads a slice of the main log.\n\n"
     "@param int offset: in bytes; negative counts from the end\n"
     "@param int length: in bytes; 0 reads to the end\n"
     "@return string: the slice\n"
     "Faults: NO_FILE, BAD_ARGUMENTS, FAILED"},
    {"readMainLog", false, Method::ReadLog, "string int int", 2, 2,
     "The same as readLog.\n\n"
     "Reads a slice of the main log.\n\n"
     "@param int offset: in bytes; negative counts from the end\n"
     "@param int length: in bytes; 0 reads to the end\n"
     "@return string: the slice\n"
     "Faults: NO_FILE, BAD_ARGUMENTS, FAILED"},
    {"readProcessLog", false, Method::ReadProcessStdoutLog, "string string int int", 3, 3,
     "The same as readProcessStdoutLog.\n\n"
     "Reads a slice of a process's stdout log.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param int offset: in bytes; negative counts from the end\n"
     "@param int length: in bytes; 0 reads to the end\n"
     "@return string: the slice\n"
     "Faults: BAD_NAME, NO_FILE, BAD_ARGUMENTS, FAILED"},
    {"readProcessStderrLog", false, Method::ReadProcessStderrLog, "string string int int", 3, 3,
     "Reads a slice of a process's stderr log.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param int offset: in bytes; negative counts from the end\n"
     "@param int length: in bytes; 0 reads to the end\n"
     "@return string: the slice\n"
     "Faults: BAD_NAME, NO_FILE, BAD_ARGUMENTS, FAILED"},
    {"readProcessStdoutLog", false, Method::ReadProcessStdoutLog, "string string int int", 3, 3,
     "Reads a slice of a process's stdout log.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param int offset: in bytes; negative counts from the end\n"
     "@param int length: in bytes; 0 reads to the end\n"
     "@return string: the slice\n"
     "Faults: BAD_NAME, NO_FILE, BAD_ARGUMENTS, FAILED"},
    {"reloadConfig", false, Method::ReloadConfig, "array", 0, 0,
     "Reads the configuration again and compares it with what is active; starts and stops nothing.\n\n"
     "@return array: one array of three, the names of the groups added, changed and removed\n"
     "Faults: CANT_REREAD"},
    {"removeProcessGroup", false, Method::RemoveProcessGroup, "boolean string", 1, 1,
     "Removes a group whose processes are all stopped.\n\n"
     "@param string name: the group\n"
     "@return boolean: true\n"
     "Faults: BAD_NAME, STILL_RUNNING"},
    {"restart", false, Method::Restart, "boolean", 0, 0,
     "Stops everything and starts again with the configuration as it is then.\n\n"
     "@return boolean: true\n"
     "Faults: CANT_REREAD"},
    {"sendProcessStdin", false, Method::SendProcessStdin, "boolean string string", 2, 2,
     "Writes text to a process's stdin, as UTF-8.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param string chars: the text\n"
     "@return boolean: true\n"
     "Faults: INCORRECT_PARAMETERS, BAD_NAME, NOT_RUNNING, NO_FILE, FAILED"},
    {"sendRemoteCommEvent", false, Method::SendRemoteCommEvent, "boolean string string", 2, 2,
     "Sends an event to the listeners of REMOTE_COMMUNICATION.\n\n"
     "@param string type: the event's key\n"
     "@param string data: the event's content\n"
     "@return boolean: true"},
    {"shutdown", false, Method::Shutdown, "boolean", 0, 0,
     "Stops everything, then ends supervisord.\n\n"
     "@return boolean: true"},
    {"signalAllProcesses", false, Method::SignalAllProcesses, "array string", 1, 1,
     "Sends a signal to every process that runs.\n\n"
     "@param string signal: a name ('HUP') or a number\n"
     "@return array: a struct of name, group, status and description for each process concerned"},
    {"signalProcess", false, Method::SignalProcess, "boolean string string", 2, 2,
     "Sends a signal to a process.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same, or 'group:*' "
     "for all of a group\n"
     "@param string signal: a name ('HUP') or a number\n"
     "@return boolean: true; for a group as signalProcessGroup\n"
     "Faults: BAD_NAME, BAD_SIGNAL, NOT_RUNNING, FAILED"},
    {"signalProcessGroup", false, Method::SignalProcessGroup, "array string string", 2, 2,
     "Sends a signal to every running process of a group.\n\n"
     "@param string name: the group\n"
     "@param string signal: a name ('HUP') or a number\n"
     "@return array: a struct of name, group, status and description for each process concerned\n"
     "Faults: BAD_NAME"},
    {"startAllProcesses", false, Method::StartAllProcesses, "array boolean", 0, 1,
     "Starts every process that is not running.\n\n"
     "@param boolean wait: answer when each has started (default true)\n"
     "@return array: a struct of name, group, status and description for each process concerned"},
    {"startProcess", false, Method::StartProcess, "boolean string boolean", 1, 2,
     "Starts a process.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same, or 'group:*' "
     "for all of a group\n"
     "@param boolean wait: answer when it has started (default true)\n"
     "@return boolean: true; for a group as startProcessGroup\n"
     "Faults: BAD_NAME, NO_FILE, NOT_EXECUTABLE, ALREADY_STARTED, SPAWN_ERROR, ABNORMAL_TERMINATION"},
    {"startProcessGroup", false, Method::StartProcessGroup, "array string boolean", 1, 2,
     "Starts the processes of a group that are not running.\n\n"
     "@param string name: the group\n"
     "@param boolean wait: answer when each has started (default true)\n"
     "@return array: a struct of name, group, status and description for each process concerned\n"
     "Faults: BAD_NAME"},
    {"stopAllProcesses", false, Method::StopAllProcesses, "array boolean", 0, 1,
     "Stops every process that runs.\n\n"
     "@param boolean wait: answer when each has stopped (default true)\n"
     "@return array: a struct of name, group, status and description for each process concerned"},
    {"stopProcess", false, Method::StopProcess, "boolean string boolean", 1, 2,
     "Stops a process.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same, or 'group:*' "
     "for all of a group\n"
     "@param boolean wait: answer when it has stopped (default true)\n"
     "@return boolean: true; for a group as stopProcessGroup\n"
     "Faults: BAD_NAME, NOT_RUNNING, FAILED"},
    {"stopProcessGroup", false, Method::StopProcessGroup, "array string boolean", 1, 2,
     "Stops the processes of a group.\n\n"
     "@param string name: the group\n"
     "@param boolean wait: answer when each has stopped (default true)\n"
     "@return array: a struct of name, group, status and description for each process concerned\n"
     "Faults: BAD_NAME"},
    {"tailProcessLog", false, Method::TailProcessStdoutLog, "array string int int", 3, 3,
     "The same as tailProcessStdoutLog.\n\n"
     "Reads the end of a process's stdout log.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param int offset: in bytes\n"
     "@param int length: in bytes\n"
     "@return array: the bytes as a string, the size of the log, whether something was left out\n"
     "Faults: BAD_NAME"},
    {"tailProcessStderrLog", false, Method::TailProcessStderrLog, "array string int int", 3, 3,
     "Reads the end of a process's stderr log.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param int offset: in bytes\n"
     "@param int length: in bytes\n"
     "@return array: the bytes as a string, the size of the log, whether something was left out\n"
     "Faults: BAD_NAME"},
    {"tailProcessStdoutLog", false, Method::TailProcessStdoutLog, "array string int int", 3, 3,
     "Reads the end of a process's stdout log.\n\n"
     "@param string name: the process: 'group:name', or 'name' where both are the same\n"
     "@param int offset: in bytes\n"
     "@param int length: in bytes\n"
     "@return array: the bytes as a string, the size of the log, whether something was left out\n"
     "Faults: BAD_NAME"},
    {"listMethods", true, Method::ListMethods, "array", 0, 0,
     "Lists all methods.\n\n"
     "@return array: their names"},
    {"methodHelp", true, Method::MethodHelp, "string string", 1, 1,
     "Tells what a method does.\n\n"
     "@param string name: the method\n"
     "@return string: the text\n"
     "Faults: SIGNATURE_UNSUPPORTED"},
    {"methodSignature", true, Method::MethodSignature, "array string", 1, 1,
     "Tells the types of a method.\n\n"
     "@param string name: the method\n"
     "@return array: the result's type, then those of the parameters\n"
     "Faults: SIGNATURE_UNSUPPORTED"},
    {"multicall", true, Method::Multicall, "array array", 1, 1,
     "Makes several calls in order.\n\n"
     "@param array calls: structs of methodName and params\n"
     "@return array: the bare results; a failed call is a struct of faultCode and faultString"},
};

}  // namespace

std::span<const MethodRow> method_table() { return kMethods; }

const MethodRow* find_method(bool system, std::string_view name) {
    for (const MethodRow& row : kMethods) {
        if (row.system == system && row.name == name) return &row;
    }
    return nullptr;
}

bool only_reads(Method method) {
    switch (method) {
        case Method::GetAPIVersion:
        case Method::GetSupervisorVersion:
        case Method::GetIdentification:
        case Method::GetState:
        case Method::GetPID:
        case Method::ReadLog:
        case Method::GetAllConfigInfo:
        case Method::GetProcessInfo:
        case Method::GetAllProcessInfo:
        case Method::ReadProcessStdoutLog:
        case Method::ReadProcessStderrLog:
        case Method::TailProcessStdoutLog:
        case Method::TailProcessStderrLog:
        case Method::ListMethods:
        case Method::MethodHelp:
        case Method::MethodSignature: return true;
        default: return false;
    }
}

}  // namespace reeve
