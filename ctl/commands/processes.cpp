// start, stop, restart and signal: each argument is a process, a group or "all", and each process gets a
// line.
#include "ctl/commands/table.hpp"
#include "ctl/process_list.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

// What supervisord tells about one process after an attempt.
struct Outcome {
    std::string name;  // in short form
    int status;        // a fault number, or kSuccess
    std::string text;
};

// What distinguishes the actions.
struct Kind {
    const char* method;  // startProcess; also startProcessGroup and startAllProcesses
    const char* all;
    const char* done;  // "started"
    int harmless;      // the fault that is reported but leaves the exit status alone
    int no_group;      // the exit status for an unknown group
};

constexpr Kind kStart{.method = "startProcess",
                      .all = "startAllProcesses",
                      .done = "started",
                      .harmless = fault::kAlreadyStarted,
                      .no_group = exit_status::kUsage};
constexpr Kind kStop{.method = "stopProcess",
                     .all = "stopAllProcesses",
                     .done = "stopped",
                     .harmless = fault::kNotRunning,
                     .no_group = exit_status::kGeneric};
constexpr Kind kSignal{.method = "signalProcess",
                       .all = "signalAllProcesses",
                       .done = "signalled",
                       .harmless = fault::kSuccess,
                       .no_group = exit_status::kGeneric};

const char* reason(int status) {
    switch (status) {
        case fault::kBadName: return "no such process";
        case fault::kBadSignal: return "bad signal name";
        case fault::kNoFile: return "no such file";
        case fault::kNotExecutable: return "file is not executable";
        case fault::kAlreadyStarted: return "already started";
        case fault::kNotRunning: return "not running";
        case fault::kSpawnError: return "spawn error";
        case fault::kAbnormalTermination: return "abnormal termination";
        default: return nullptr;
    }
}

// Which of the faults an action answers with a line of its own; others end it.
bool expected(const Kind& kind, int status) {
    switch (status) {
        case fault::kBadName: return true;
        case fault::kNoFile:
        case fault::kNotExecutable:
        case fault::kAlreadyStarted:
        case fault::kSpawnError:
        case fault::kAbnormalTermination: return kind.harmless == fault::kAlreadyStarted;
        case fault::kBadSignal:
        case fault::kNotRunning:
        case fault::kFailed: return kind.harmless != fault::kAlreadyStarted;
        default: return false;
    }
}

void report(Session& session, const Kind& kind, const Outcome& outcome) {
    if (outcome.status == fault::kSuccess) {
        session.out.line(outcome.name + ": " + kind.done);
        return;
    }
    if (!expected(kind, outcome.status)) {
        throw Error("Unknown result code " + std::to_string(outcome.status) + " for " + outcome.name);
    }
    const char* why = reason(outcome.status);
    session.out.line(why != nullptr ? outcome.name + ": ERROR (" + why + ")" : outcome.text);
    if (outcome.status == kind.harmless) return;
    bool came_to_nothing = outcome.status == fault::kSpawnError ||
                           outcome.status == fault::kAbnormalTermination ||
                           outcome.status == fault::kNotRunning;
    session.exit_code = came_to_nothing ? exit_status::kFailed : exit_status::kGeneric;
}

void report_all(Session& session, const Kind& kind, const Value& results) {
    for (const Value& result : elements(results)) {
        report(session, kind,
               {join_name(text_member(result, "group"), text_member(result, "name")),
                static_cast<int>(number_member(result, "status")), text_member(result, "description")});
    }
}

// Carries the action out for one name; `more` are parameters behind it.
void act_on(Session& session, const Kind& kind, const std::string& text, const std::vector<Value>& more) {
    ProcessName name = split_name(text);
    auto parameters = [&](const std::string& first) {
        std::vector<Value> list{Value::string(first)};
        list.insert(list.end(), more.begin(), more.end());
        return list;
    };
    if (!name.process) {
        try {
            report_all(session, kind,
                       session.client.call(std::string(kind.method) + "Group", parameters(name.group)));
        } catch (const RpcFault& error) {
            if (error.code != fault::kBadName) throw;
            session.fail(name.group + ": ERROR (no such group)", kind.no_group);
        }
        return;
    }
    Outcome outcome{join_name(name.group, *name.process), fault::kSuccess, ""};
    try {
        session.client.call(kind.method, parameters(text));
    } catch (const RpcFault& error) {
        if (!expected(kind, error.code)) throw;
        outcome.status = error.code;
        outcome.text = error.what();
    }
    report(session, kind, outcome);
}

void act_on_all(Session& session, const Kind& kind, const std::vector<std::string>& names,
                const std::vector<Value>& more) {
    if (names_all(names)) {
        report_all(session, kind, session.client.call(kind.all, more));
        return;
    }
    for (const std::string& name : names) act_on(session, kind, name, more);
}

}  // namespace

void do_start(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> names = split_words(argument);
    if (names.empty())
        return session.usage_error("Error: start requires a process name", "start", exit_status::kUsage);
    act_on_all(session, kStart, names, {});
}

void do_stop(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> names = split_words(argument);
    if (names.empty()) return session.usage_error("Error: stop requires a process name", "stop");
    act_on_all(session, kStop, names, {});
}

void do_restart(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    if (split_words(argument).empty())
        return session.usage_error("Error: restart requires a process name", "restart");
    do_stop(session, argument);
    do_start(session, argument);
}

void do_signal(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> words = split_words(argument);
    if (words.size() < 2) {
        session.usage_error("Error: signal requires a signal name and a process name", "signal");
        return;
    }
    std::vector<Value> signal{Value::string(words.front())};
    words.erase(words.begin());
    act_on_all(session, kSignal, words, signal);
}

}  // namespace reeve::ctl
