// Methods that start, stop, signal and feed processes. See rpc_methods.hpp.
#include "daemon/engine/rpc_methods.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {

void RpcMethods::visit_all(const std::vector<MemberRef>& members, bool (*wanted)(const Process&),
                           const std::function<void(const MemberRef&, const std::string&, ActionDone)>& act,
                           Answer answer) {
    auto collector = std::make_shared<Collector>(std::move(answer));
    for (const MemberRef& member : members) {
        if (!wanted(member->process())) continue;
        collector->visit(
            member, [&](const std::string& name, ActionDone done) { act(member, name, std::move(done)); });
    }
    collector->complete();
}

void RpcMethods::start_all(const std::vector<MemberRef>& members, bool wait, Answer answer) {
    auto act = [&](const MemberRef& member, const std::string& name, ActionDone done) {
        start_member(surroundings_, member, name, wait, std::move(done));
    };
    visit_all(
        members, [](const Process& process) { return !is_running(process.state()); }, act, std::move(answer));
}

void RpcMethods::stop_all(const std::vector<MemberRef>& members, bool wait, Answer answer) {
    auto act = [&](const MemberRef& member, const std::string& name, ActionDone done) {
        stop_member(surroundings_, member, name, wait, std::move(done));
    };
    visit_all(members, stoppable, act, std::move(answer));
}

void RpcMethods::signal_all(const std::vector<MemberRef>& members, const Arguments& args, std::size_t signal,
                            Answer answer) {
    std::optional<int> signo;
    MaybeFault bad;
    try {
        signo = args.signal(signal);
    } catch (CallError& error) {
        if (auto* fault = std::get_if<Fault>(&error.outcome)) {
            bad = *fault;
        } else {
            throw;
        }
    }
    auto act = [&](const MemberRef& member, const std::string& name, ActionDone done) {
        if (bad) {
            done.finished(bad);
        } else {
            signal_member(member, name, *signo, std::move(done));
        }
    };
    visit_all(
        members, [](const Process& process) { return is_signallable(process.state()); }, act,
        std::move(answer));
}

void RpcMethods::start_process(const Arguments& args, Answer answer) {
    const std::string& name = args.name(0);
    bool wait = args.truth(1, true);
    Named named = resolve(name);
    if (!named.member) return start_all(named.group->by_priority(), wait, std::move(answer));
    start_member(surroundings_, named.member, name, wait, answer_true(std::move(answer)));
}

void RpcMethods::start_process_group(const Arguments& args, Answer answer) {
    start_all(resolve_group(args.group_name(0)).by_priority(), args.truth(1, true), std::move(answer));
}

void RpcMethods::start_all_processes(const Arguments& args, Answer answer) {
    start_all(everybody(), args.truth(0, true), std::move(answer));
}

void RpcMethods::stop_process(const Arguments& args, Answer answer) {
    const std::string& name = args.name(0);
    bool wait = args.truth(1, true);
    Named named = resolve(name);
    if (!named.member) return stop_all(named.group->by_priority(), wait, std::move(answer));
    stop_member(surroundings_, named.member, name, wait, answer_true(std::move(answer)));
}

void RpcMethods::stop_process_group(const Arguments& args, Answer answer) {
    stop_all(resolve_group(args.group_name(0)).by_priority(), args.truth(1, true), std::move(answer));
}

void RpcMethods::stop_all_processes(const Arguments& args, Answer answer) {
    stop_all(everybody(), args.truth(0, true), std::move(answer));
}

void RpcMethods::signal_process(const Arguments& args, Answer answer) {
    const std::string& name = args.name(0);
    Named named = resolve(name);
    if (!named.member) return signal_all(named.group->by_priority(), args, 1, std::move(answer));
    signal_member(named.member, name, args.signal(1), answer_true(std::move(answer)));
}

void RpcMethods::signal_process_group(const Arguments& args, Answer answer) {
    signal_all(resolve_group(args.group_name(0)).by_priority(), args, 1, std::move(answer));
}

void RpcMethods::signal_all_processes(const Arguments& args, Answer answer) {
    signal_all(everybody(), args, 0, std::move(answer));
}

void RpcMethods::send_process_stdin(const Arguments& args, Answer answer) {
    const Value& chars = args.at(1);
    if (!chars.is(Value::Kind::String)) {
        return answer(chars.is(Value::Kind::Nil) ? make_fault(FaultCode::IncorrectParameters)
                                                 : make_fault(FaultCode::IncorrectParameters, shown(chars)));
    }
    const std::string& name = args.name(0);
    MemberRef member = resolve_process(name);
    const Process& process = member->process();
    if (process.pid() == 0 || process.stopping() || process.exit_pending()) {
        return answer(make_fault(FaultCode::NotRunning, name));
    }
    switch (member->write_stdin(chars.as_string(), false)) {
        case Member::Stdin::Taken: return answer(Value::boolean(true));
        case Member::Stdin::Full:
            return answer(
                make_fault(FaultCode::Failed, name + ": more than 1 MiB would wait for its standard input"));
        case Member::Stdin::Closed: return answer(make_fault(FaultCode::NoFile, name));
    }
}

}  // namespace reeve
