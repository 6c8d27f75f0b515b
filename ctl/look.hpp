// Looks at all processes of a supervisord at one moment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/excess.hpp"

namespace reeve::ctl {

constexpr std::string_view kSpawnerName = "supervisord";

struct PartFound {
    const PartMaximum* most;
    std::vector<ProcessView> processes;  // one, if all is well
};

struct Findings {
    std::optional<ProcessView> spawner;
    std::vector<PartFound> parts;
    std::vector<std::string> excess;  // "supervisor-rpc (pid 7) has ...; expected ..."
};

// `pid` is the spawner; nothing is found if there is no such process.
Findings look(pid_t pid);

// Whether something could not be seen by this user.
bool is_partly_hidden(const Findings& found);
// Whether it has any of the parts at all.
bool has_parts(const Findings& found);

}  // namespace reeve::ctl
