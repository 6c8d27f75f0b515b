// status and pid: what runs.
#include "ctl/commands/table.hpp"
#include "ctl/process_list.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

// The processes that the names mean, in the order of the names; unknown names are told at once.
std::vector<const ProcessInfo*> select(Session& session, const std::vector<ProcessInfo>& all,
                                       const std::vector<std::string>& names) {
    std::vector<const ProcessInfo*> selected;
    for (const std::string& text : names) {
        ProcessName name = split_name(text);
        std::size_t before = selected.size();
        for (const ProcessInfo& info : all) {
            if (info.group == name.group && (!name.process || info.name == *name.process))
                selected.push_back(&info);
        }
        if (selected.size() > before) continue;
        std::string line =
            name.process ? text + ": ERROR (no such process)" : name.group + ": ERROR (no such group)";
        session.fail(line, exit_status::kUnknown);
    }
    return selected;
}

}  // namespace

void do_status(Session& session, const std::string& argument) {
    if (!session.upcheck()) {
        session.exit_code = exit_status::kUnknown;
        return;
    }
    std::vector<ProcessInfo> all = process_infos(session.client.call("getAllProcessInfo"));
    std::vector<std::string> names = split_words(argument);
    std::vector<const ProcessInfo*> shown;
    if (names.empty() || names_all(names)) {
        for (const ProcessInfo& info : all) shown.push_back(&info);
    } else {
        shown = select(session, all, names);
    }
    for (const std::string& line : status_lines(shown)) session.out.line(line);
    for (const ProcessInfo* info : shown) {
        if (is_down(info->state)) session.exit_code = exit_status::kNotRunning;
    }
}

void do_pid(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> names = split_words(argument);
    if (names.empty()) {
        session.out.line(std::to_string(session.client.call("getPID").as_int()));
        return;
    }
    if (names_all(names)) {
        for (const ProcessInfo& info : process_infos(session.client.call("getAllProcessInfo")))
            session.out.line(std::to_string(info.pid));
        return;
    }
    for (const std::string& name : names) {
        try {
            std::int64_t pid = process_info(session.client.call("getProcessInfo", {Value::string(name)})).pid;
            session.out.line(std::to_string(pid));
            if (pid == 0) session.exit_code = exit_status::kFailed;
        } catch (const RpcFault& error) {
            if (error.code != fault::kBadName) throw;
            session.fail("No such process " + name);
        }
    }
}

}  // namespace reeve::ctl
