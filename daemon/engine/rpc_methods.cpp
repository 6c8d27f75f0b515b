// Dispatch of the API's methods and what they have in common. See rpc_methods.hpp.
#include "daemon/engine/rpc_methods.hpp"

#include "daemon/engine/supervisor.hpp"

namespace reeve {

struct RpcMethods::Row {
    Method method;
    void (RpcMethods::*run)(const Arguments&, Answer);
};

constexpr RpcMethods::Row RpcMethods::kRows[] = {
    {Method::GetAPIVersion, &RpcMethods::get_api_version},
    {Method::GetSupervisorVersion, &RpcMethods::get_supervisor_version},
    {Method::GetIdentification, &RpcMethods::get_identification},
    {Method::GetState, &RpcMethods::get_state},
    {Method::GetPID, &RpcMethods::get_pid},
    {Method::ReadLog, &RpcMethods::read_main_log},
    {Method::ClearLog, &RpcMethods::clear_main_log},
    {Method::Shutdown, &RpcMethods::shutdown},
    {Method::Restart, &RpcMethods::restart},
    {Method::ReloadConfig, &RpcMethods::reload_config},
    {Method::AddProcessGroup, &RpcMethods::add_process_group},
    {Method::RemoveProcessGroup, &RpcMethods::remove_process_group},
    {Method::StartProcess, &RpcMethods::start_process},
    {Method::StartProcessGroup, &RpcMethods::start_process_group},
    {Method::StartAllProcesses, &RpcMethods::start_all_processes},
    {Method::StopProcess, &RpcMethods::stop_process},
    {Method::StopProcessGroup, &RpcMethods::stop_process_group},
    {Method::StopAllProcesses, &RpcMethods::stop_all_processes},
    {Method::SignalProcess, &RpcMethods::signal_process},
    {Method::SignalProcessGroup, &RpcMethods::signal_process_group},
    {Method::SignalAllProcesses, &RpcMethods::signal_all_processes},
    {Method::GetAllConfigInfo, &RpcMethods::get_all_config_info},
    {Method::GetProcessInfo, &RpcMethods::get_process_info},
    {Method::GetAllProcessInfo, &RpcMethods::get_all_process_info},
    {Method::ReadProcessStdoutLog, &RpcMethods::read_process_stdout_log},
    {Method::ReadProcessStderrLog, &RpcMethods::read_process_stderr_log},
    {Method::TailProcessStdoutLog, &RpcMethods::tail_process_stdout_log},
    {Method::TailProcessStderrLog, &RpcMethods::tail_process_stderr_log},
    {Method::ClearProcessLogs, &RpcMethods::clear_process_logs},
    {Method::ClearAllProcessLogs, &RpcMethods::clear_all_process_logs},
    {Method::SendProcessStdin, &RpcMethods::send_process_stdin},
    {Method::SendRemoteCommEvent, &RpcMethods::send_remote_comm_event},
    {Method::ListMethods, &RpcMethods::list_methods},
    {Method::MethodHelp, &RpcMethods::method_help},
    {Method::MethodSignature, &RpcMethods::method_signature},
    {Method::Multicall, &RpcMethods::multicall},
};

// Exactly "namespace.method". A configured namespace `system` is hidden by our own.
const MethodRow* RpcMethods::find(std::string_view name, bool page) const {
    std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || name.find('.', dot + 1) != std::string_view::npos) return nullptr;
    std::string_view space = name.substr(0, dot);
    std::string_view method = name.substr(dot + 1);
    if (space == "system") return find_method(true, method);
    bool known = page && space == "supervisor";
    const EngineImage& image = supervisor_.first().image();
    for (std::uint32_t i = 0; i < image.tables().namespaces.count && !known; ++i) {
        known = image.text(image.rpc_namespace(i)) == space;
    }
    return known ? find_method(false, method) : nullptr;
}

void RpcMethods::call(std::string_view name, bool page, std::span<const Value> args, const Origin& origin,
                      Answer answer) {
    const MethodRow* method = find(name, page);
    if (method == nullptr) return answer(make_fault(FaultCode::UnknownMethod));
    answer = logged(supervisor_.log(), name, *method, args, origin, std::move(answer));
    if (args.size() < method->required || args.size() > method->allowed) {
        return answer(make_fault(FaultCode::IncorrectParameters));
    }
    if (!method->system && method->method != Method::SendRemoteCommEvent &&
        supervisor_.mood() != Mood::Running) {
        return answer(make_fault(FaultCode::ShutdownState));
    }
    for (const Row& row : kRows) {
        if (row.method != method->method) continue;
        try {
            (this->*row.run)(Arguments(args, origin), answer);
        } catch (CallError& error) {
            answer(std::move(error.outcome));
        }
        return;
    }
    answer(make_fault(FaultCode::UnknownMethod));
}

// ---- names ----------------------------------------------------------------------------------------------

RpcMethods::Named RpcMethods::resolve(const std::string& name) const {
    std::size_t colon = name.find(':');
    std::string_view text = name;
    std::string_view group_name = text.substr(0, colon);
    std::string_view process_name = colon == std::string::npos ? text : text.substr(colon + 1);
    Group* group = supervisor_.find_group(group_name);
    if (group == nullptr) throw CallError{make_fault(FaultCode::BadName, name)};
    if (colon != std::string::npos && (process_name.empty() || process_name == "*")) return {group, nullptr};
    MemberRef member = group->find(process_name);
    if (!member) throw CallError{make_fault(FaultCode::BadName, name)};
    return {group, member};
}

MemberRef RpcMethods::resolve_process(const std::string& name) const {
    Named named = resolve(name);
    if (!named.member) throw CallError{make_fault(FaultCode::BadName, name)};
    return named.member;
}

Group& RpcMethods::resolve_group(const std::string& name) const {
    Group* group = supervisor_.find_group(name);
    if (group == nullptr) throw CallError{make_fault(FaultCode::BadName, name)};
    return *group;
}

MemberRef RpcMethods::find_process(std::string_view name) const {
    try {
        return resolve(std::string(name)).member;
    } catch (const CallError&) {
        return nullptr;
    }
}

std::vector<MemberRef> RpcMethods::everybody() const {
    std::vector<MemberRef> all;
    for (const auto& group : supervisor_.groups()) {
        auto members = group->by_priority();
        all.insert(all.end(), members.begin(), members.end());
    }
    return all;
}

}  // namespace reeve
