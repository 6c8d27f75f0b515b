// avail, reread, add, remove and update: from the configuration file to the groups in use.
#include <algorithm>
#include <map>
#include <set>

#include "ctl/commands/table.hpp"
#include "ctl/process_list.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

// The answer of reloadConfig: names of groups.
struct Changes {
    std::vector<std::string> added;
    std::vector<std::string> changed;
    std::vector<std::string> removed;
};

Changes reload_config(Session& session) {
    Value answer = session.client.call("reloadConfig");
    const auto& outer = elements(answer);
    if (outer.size() != 1 || elements(outer[0]).size() != 3) throw Error("the answer has not three lists");
    auto names = [&](std::size_t index) {
        std::vector<std::string> list;
        for (const Value& name : elements(outer[0].items()[index])) list.push_back(name.as_string());
        return list;
    };
    return {.added = names(0), .changed = names(1), .removed = names(2)};
}

void call_for(Session& session, const char* method, const std::string& group) {
    session.client.call(method, {Value::string(group)});
}

const char* yes_no(const Value& info, std::string_view key, const char* yes, const char* no) {
    const Value* value = info.member(key);
    return value != nullptr && value->as_boolean() ? yes : no;
}

// True if all members have stopped, or did not run.
bool stop_group(Session& session, const std::string& group) {
    Value results = session.client.call("stopProcessGroup", {Value::string(group)});
    session.out.line(group + ": stopped");
    const auto& list = elements(results);
    return std::none_of(list.begin(), list.end(), [](const Value& result) {
        return number_member(result, "status") == fault::kFailed;
    });
}

}  // namespace

void do_avail(Session& session, const std::string& argument) {
    if (!argument.empty()) return session.usage_error("Error: avail accepts no arguments", "avail");
    Value answer;
    try {
        answer = session.client.call("getAllConfigInfo");
    } catch (const RpcFault& error) {
        if (error.code != fault::kShutdownState) throw;
        return session.fail("ERROR: supervisor shutting down");
    }
    for (const Value& info : elements(answer)) {
        std::string name = join_name(text_member(info, "group"), text_member(info, "name"));
        session.out.line(padded(name, 32) + " " + padded(yes_no(info, "inuse", "in use", "avail"), 9) + " " +
                         padded(yes_no(info, "autostart", "auto", "manual"), 9) + " " +
                         std::to_string(number_member(info, "group_prio")) + ":" +
                         std::to_string(number_member(info, "process_prio")));
    }
}

void do_reread(Session& session, const std::string& argument) {
    if (!argument.empty()) return session.usage_error("Error: reread accepts no arguments", "reread");
    Changes changes;
    try {
        changes = reload_config(session);
    } catch (const RpcFault& error) {
        if (error.code == fault::kShutdownState) return session.fail("ERROR: supervisor shutting down");
        if (error.code == fault::kCantReread) return session.fail(std::string("ERROR: ") + error.what());
        throw;
    }
    std::map<std::string, const char*> lines;
    for (const std::string& name : changes.added) lines[name] = "available";
    for (const std::string& name : changes.changed) lines[name] = "changed";
    for (const std::string& name : changes.removed) lines[name] = "disappeared";
    for (const auto& [name, what] : lines) session.out.line(name + ": " + what);
    if (lines.empty()) session.out.line("No config updates to processes");
}

void do_add(Session& session, const std::string& argument) {
    for (const std::string& name : split_words(argument)) {
        try {
            call_for(session, "addProcessGroup", name);
            session.out.line(name + ": added process group");
        } catch (const RpcFault& error) {
            switch (error.code) {
                case fault::kShutdownState: session.fail("ERROR: shutting down"); break;
                case fault::kAlreadyAdded: session.out.line("ERROR: process group already active"); break;
                case fault::kBadName: session.fail("ERROR: no such process/group: " + name); break;
                default: throw;
            }
        }
    }
}

void do_remove(Session& session, const std::string& argument) {
    for (const std::string& name : split_words(argument)) {
        try {
            call_for(session, "removeProcessGroup", name);
            session.out.line(name + ": removed process group");
        } catch (const RpcFault& error) {
            switch (error.code) {
                case fault::kStillRunning: session.fail("ERROR: process/group still running: " + name); break;
                case fault::kBadName: session.fail("ERROR: no such process/group: " + name); break;
                default: throw;
            }
        }
    }
}

void do_update(Session& session, const std::string& argument) {
    Changes changes;
    try {
        changes = reload_config(session);
    } catch (const RpcFault& error) {
        if (error.code != fault::kShutdownState) throw;
        return session.fail("ERROR: already shutting down");
    }
    std::vector<std::string> names = split_words(argument);
    std::set<std::string> chosen(names.begin(), names.end());
    if (chosen.contains("all")) chosen.clear();
    if (!chosen.empty()) {
        std::set<std::string> known(changes.added.begin(), changes.added.end());
        for (const ProcessInfo& info : process_infos(session.client.call("getAllProcessInfo")))
            known.insert(info.group);
        std::set<std::string> told;
        for (const std::string& name : names) {
            if (!known.contains(name) && told.insert(name).second)
                session.fail("ERROR: no such group: " + name);
        }
    }
    auto wanted = [&](const std::string& name) { return chosen.empty() || chosen.contains(name); };

    for (const std::string& name : changes.removed) {
        if (!wanted(name)) continue;
        if (!stop_group(session, name)) {
            session.fail(name + ": has problems; not removing");
            continue;
        }
        call_for(session, "removeProcessGroup", name);
        session.out.line(name + ": removed process group");
    }
    for (const std::string& name : changes.changed) {
        if (!wanted(name)) continue;
        stop_group(session, name);
        call_for(session, "removeProcessGroup", name);
        call_for(session, "addProcessGroup", name);
        session.out.line(name + ": updated process group");
    }
    for (const std::string& name : changes.added) {
        if (!wanted(name)) continue;
        call_for(session, "addProcessGroup", name);
        session.out.line(name + ": added process group");
    }
}

}  // namespace reeve::ctl
