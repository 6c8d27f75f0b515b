// Methods about the daemon itself and its configuration. See rpc_methods.hpp.
#include "daemon/engine/rpc_methods.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {

void RpcMethods::get_api_version(const Arguments&, Answer answer) { answer(Value::string("3.0")); }

void RpcMethods::get_supervisor_version(const Arguments&, Answer answer) {
    const EngineImage& image = supervisor_.first().image();
    answer(Value::string(std::string(image.text(image.daemon().version))));
}

void RpcMethods::get_identification(const Arguments&, Answer answer) {
    const EngineImage& image = supervisor_.newest().image();
    answer(Value::string(std::string(image.text(image.daemon().identifier))));
}

// Only ever RUNNING: at all other times the call itself is refused.
void RpcMethods::get_state(const Arguments&, Answer answer) {
    Value state = Value::structure();
    state.add("statecode", Value::integer(static_cast<int>(Mood::Running)));
    state.add("statename", Value::string("RUNNING"));
    answer(std::move(state));
}

void RpcMethods::get_pid(const Arguments&, Answer answer) {
    answer(Value::integer(static_cast<std::int64_t>(supervisor_.daemon_pid())));
}

void RpcMethods::shutdown(const Arguments&, Answer answer) {
    supervisor_.begin_shutdown();
    answer(Value::boolean(true));
}

void RpcMethods::restart(const Arguments&, Answer answer) {
    supervisor_.begin_restart([answer = std::move(answer)](const std::string& error) {
        if (error.empty()) {
            answer(Value::boolean(true));
        } else {
            answer(make_fault(FaultCode::CantReread, error));
        }
    });
}

// ---- configuration --------------------------------------------------------------------------------------

void RpcMethods::reload_config(const Arguments&, Answer answer) {
    supervisor_.reload().request([this, answer = std::move(answer)](const std::string& error) {
        if (!error.empty()) {
            answer(make_fault(FaultCode::CantReread, error));
        } else {
            answer(reload_result());
        }
    });
}

// [[added, changed, removed]]: the newest reading against what is active.
Value RpcMethods::reload_result() const {
    Value added = Value::array();
    Value changed = Value::array();
    Value removed = Value::array();
    const Generation& newest = supervisor_.newest();
    for (std::uint32_t i = 0; i < newest.image().group_count(); ++i) {
        std::string name(newest.image().text(newest.image().group(i).name));
        const Group* active = supervisor_.find_group(name);
        if (active == nullptr) {
            added.items().push_back(Value::string(name));
        } else if (group_changed(active->generation().image(), active->body().group, newest.image(), i)) {
            changed.items().push_back(Value::string(name));
        }
    }
    for (const auto& group : supervisor_.groups()) {
        if (newest.find_group(group->name()) == kAbsent)
            removed.items().push_back(Value::string(group->name()));
    }
    Value lists = Value::array();
    lists.items().push_back(std::move(added));
    lists.items().push_back(std::move(changed));
    lists.items().push_back(std::move(removed));
    Value result = Value::array();
    result.items().push_back(std::move(lists));
    return result;
}

void RpcMethods::add_process_group(const Arguments& args, Answer answer) {
    supervisor_.reload().when_over([this, value = args.at(0), answer = std::move(answer)] {
        if (supervisor_.mood() != Mood::Running) return answer(make_fault(FaultCode::ShutdownState));
        add_group(value, answer);
    });
}

void RpcMethods::add_group(const Value& value, const Answer& answer) {
    std::string name = shown(value);
    std::uint32_t index = value.is(Value::Kind::String) ? supervisor_.newest().find_group(name) : kAbsent;
    if (index == kAbsent) {
        return answer(value.is(Value::Kind::Nil) ? make_fault(FaultCode::BadName)
                                                 : make_fault(FaultCode::BadName, name));
    }
    if (supervisor_.find_group(name) != nullptr) return answer(make_fault(FaultCode::AlreadyAdded, name));
    if (!supervisor_.add_group(index))
        return answer(make_fault(FaultCode::Failed, "there are no slots left"));
    answer(Value::boolean(true));
}

void RpcMethods::remove_process_group(const Arguments& args, Answer answer) {
    const std::string& name = args.group_name(0);
    Group& group = resolve_group(name);
    if (!group.removable()) return answer(make_fault(FaultCode::StillRunning, name));
    supervisor_.remove_group(group);
    answer(Value::boolean(true));
}

void RpcMethods::send_remote_comm_event(const Arguments& args, Answer answer) {
    supervisor_.events().emit(EventType::RemoteCommunication,
                              remote_payload(shown(args.at(0)), shown(args.at(1))));
    answer(Value::boolean(true));
}

}  // namespace reeve
