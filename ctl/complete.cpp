// What the Tab key offers. See complete.hpp.
#include "ctl/complete.hpp"

#include <algorithm>

#include "ctl/commands/table.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

void add_if_fits(std::vector<std::string>& out, const std::string& candidate, const std::string& word) {
    if (candidate.starts_with(word) && std::find(out.begin(), out.end(), candidate) == out.end())
        out.push_back(candidate);
}

}  // namespace

std::vector<std::string> action_names(const std::string& word) {
    std::vector<std::string> names;
    for (const Action& action : action_table()) {
        if (!action.help.empty()) add_if_fits(names, std::string(action.name), word);
    }
    return names;
}

std::vector<std::string> group_names(const std::vector<ProcessInfo>& infos, const std::string& word) {
    std::vector<std::string> names;
    for (const ProcessInfo& info : infos) add_if_fits(names, info.group, word);
    return names;
}

std::vector<std::string> process_names(const std::vector<ProcessInfo>& infos, const std::string& word) {
    std::vector<std::string> names;
    bool in_full = word.find(':') != std::string::npos;
    for (const ProcessInfo& info : infos) {
        if (!in_full && info.group == info.name) {
            add_if_fits(names, info.name, word);
            continue;
        }
        add_if_fits(names, info.group + ":*", word);
        add_if_fits(names, info.group + ":" + info.name, word);
    }
    return names;
}

std::vector<std::string> Completion::candidates(const std::string& line, const std::string& word) {
    std::vector<std::string> words = split_words(line);
    bool first = words.empty() || (words.size() == 1 && !line.ends_with(' '));
    if (first || words.front() == "help") return action_names(word);
    const Action* action = find_action(words.front());
    if (action == nullptr || action->offers == Offers::Nothing) return {};
    if (!infos_) {
        try {
            session_.client.reconnect();
            infos_ = process_infos(session_.client.call("getAllProcessInfo"));
        } catch (const Error&) {
            infos_.emplace();
        }
    }
    return action->offers == Offers::Groups ? group_names(*infos_, word) : process_names(*infos_, word);
}

}  // namespace reeve::ctl
