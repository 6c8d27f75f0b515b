// The methods of the API: dispatch by the common table (common/rpcproto/methods.hpp), the checks that all
// have in common, and one function for each. Those that cannot answer at once keep the Answer until they can.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpcproto/methods.hpp"
#include "daemon/engine/actions.hpp"
#include "daemon/engine/arguments.hpp"
#include "daemon/engine/command_log.hpp"
#include "daemon/engine/outcome.hpp"

namespace reeve {

class Supervisor;

class RpcMethods {
  public:
    RpcMethods(Supervisor& supervisor, Surroundings& surroundings)
        : supervisor_(supervisor), surroundings_(surroundings) {}

    // name: "namespace.method". page: "supervisor" names the methods whatever namespaces are configured.
    // origin: who calls, for the log.
    void call(std::string_view name, bool page, std::span<const Value> args, const Origin& origin,
              Answer answer);

    // The process that "group:name" or "name" names; nullptr if none, or a whole group.
    MemberRef find_process(std::string_view name) const;

  private:
    struct Named {
        Group* group;
        MemberRef member;  // nullptr: the whole group
    };
    struct Row;
    static const Row kRows[];

    const MethodRow* find(std::string_view name, bool page) const;
    Named resolve(const std::string& name) const;              // BAD_NAME
    MemberRef resolve_process(const std::string& name) const;  // BAD_NAME, also for a whole group
    Group& resolve_group(const std::string& name) const;
    std::vector<MemberRef> everybody() const;  // in the order of visiting
    void visit_all(const std::vector<MemberRef>& members, bool (*wanted)(const Process&),
                   const std::function<void(const MemberRef&, const std::string&, ActionDone)>& act,
                   Answer answer);
    void start_all(const std::vector<MemberRef>& members, bool wait, Answer answer);
    void stop_all(const std::vector<MemberRef>& members, bool wait, Answer answer);
    void signal_all(const std::vector<MemberRef>& members, const Arguments& args, std::size_t signal,
                    Answer answer);
    void read_log(std::uint32_t stream, const std::string& path, std::int64_t offset, std::int64_t length,
                  Answer answer);
    void read_process_log(const Arguments& args, bool is_stderr, Answer answer);
    void tail_process_log(const Arguments& args, bool is_stderr, Answer answer);
    Value reload_result() const;
    void add_group(const Value& value, const Answer& answer);

    // rpc_daemon.cpp
    void get_api_version(const Arguments&, Answer);
    void get_supervisor_version(const Arguments&, Answer);
    void get_identification(const Arguments&, Answer);
    void get_state(const Arguments&, Answer);
    void get_pid(const Arguments&, Answer);
    void shutdown(const Arguments&, Answer);
    void restart(const Arguments&, Answer);
    void reload_config(const Arguments&, Answer);
    void add_process_group(const Arguments&, Answer);
    void remove_process_group(const Arguments&, Answer);
    void send_remote_comm_event(const Arguments&, Answer);
    // rpc_processes.cpp
    void start_process(const Arguments&, Answer);
    void start_process_group(const Arguments&, Answer);
    void start_all_processes(const Arguments&, Answer);
    void stop_process(const Arguments&, Answer);
    void stop_process_group(const Arguments&, Answer);
    void stop_all_processes(const Arguments&, Answer);
    void signal_process(const Arguments&, Answer);
    void signal_process_group(const Arguments&, Answer);
    void signal_all_processes(const Arguments&, Answer);
    void send_process_stdin(const Arguments&, Answer);
    // rpc_info.cpp
    void get_process_info(const Arguments&, Answer);
    void get_all_process_info(const Arguments&, Answer);
    void get_all_config_info(const Arguments&, Answer);
    // rpc_logs.cpp
    void read_main_log(const Arguments&, Answer);
    void clear_main_log(const Arguments&, Answer);
    void read_process_stdout_log(const Arguments&, Answer);
    void read_process_stderr_log(const Arguments&, Answer);
    void tail_process_stdout_log(const Arguments&, Answer);
    void tail_process_stderr_log(const Arguments&, Answer);
    void clear_process_logs(const Arguments&, Answer);
    void clear_all_process_logs(const Arguments&, Answer);
    // rpc_system.cpp
    void list_methods(const Arguments&, Answer);
    void method_help(const Arguments&, Answer);
    void method_signature(const Arguments&, Answer);
    void multicall(const Arguments&, Answer);

    Supervisor& supervisor_;
    Surroundings& surroundings_;
    // Bytes of the results that multicalls under way hold; shared with them.
    std::shared_ptr<std::size_t> multicall_bytes_ = std::make_shared<std::size_t>(0);
};

}  // namespace reeve
