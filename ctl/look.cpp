// The processes of a supervisord. See look.hpp.
#include "ctl/look.hpp"

namespace reeve::ctl {
namespace {

constexpr std::size_t kProcNameLength = 15;  // of names in /proc

// The processes that are, or pretend to be, a part.
std::vector<ProcessView> find_part(const std::vector<ChildName>& children, std::string_view program) {
    std::vector<ProcessView> named, genuine;
    for (const ChildName& child : children) {
        if (child.name != program.substr(0, kProcNameLength)) continue;
        auto view = view_process(child.pid);
        if (!view) continue;
        if (view->program == program) genuine.push_back(*view);
        named.push_back(std::move(*view));
    }
    return genuine.empty() ? named : genuine;  // a program may be called like a part
}

}  // namespace

Findings look(pid_t pid) {
    Findings found;
    found.spawner = view_process(pid);
    if (!found.spawner) return found;
    auto add = [&](const std::string& who, const std::string& what) {
        found.excess.push_back(who + " " + what);
    };
    auto label = [](std::string_view program, const ProcessView& view) {
        return std::string(program) + " (pid " + std::to_string(view.pid) + ")";
    };
    for (const std::string& what : excess_of_spawner(*found.spawner))
        add(label(kSpawnerName, *found.spawner), what);
    std::vector<ChildName> children = children_of(pid);
    for (const PartMaximum& most : kPartMaxima) {
        PartFound part{&most, find_part(children, most.program)};
        if (part.processes.empty()) add(most.program, "is not there; expected one");
        if (part.processes.size() > 1)
            add(most.program, "is there " + std::to_string(part.processes.size()) + " times; expected one");
        for (const ProcessView& view : part.processes) {
            std::string who = label(most.program, view);
            if (view.program && *view.program != most.program)
                add(who, "is " + *view.program + "; expected " + most.program);
            for (const std::string& what : excess_of_part(view, most, *found.spawner)) add(who, what);
            if (!children_of(view.pid).empty()) add(who, "has child processes; expected none");
        }
        found.parts.push_back(std::move(part));
    }
    return found;
}

bool is_partly_hidden(const Findings& found) {
    if (is_partly_hidden(*found.spawner)) return true;
    for (const PartFound& part : found.parts) {
        for (const ProcessView& view : part.processes) {
            if (is_partly_hidden(view)) return true;
        }
    }
    return false;
}

bool has_parts(const Findings& found) {
    for (const PartFound& part : found.parts) {
        if (!part.processes.empty()) return true;
    }
    return false;
}

}  // namespace reeve::ctl
