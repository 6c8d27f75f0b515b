// Compares what a part of supervisord has with the most that it may have (common/base/privileges.hpp).
#pragma once

#include <string>
#include <vector>

#include "ctl/proc_view.hpp"

namespace reeve::ctl {

// Everything in which the spawner has more than its maximum; each "has ...; expected ...".
std::vector<std::string> excess_of_spawner(const ProcessView& spawner);

// The same for another part; what can be asked of it depends on what the spawner was started with.
std::vector<std::string> excess_of_part(const ProcessView& part, const PartMaximum& most,
                                        const ProcessView& spawner);

bool runs_as_root(const ProcessView& spawner);
// Whether the spawner can give the parts an empty root directory and an empty bounding set.
bool can_shut_in(const ProcessView& spawner);
// Whether something about it could not be seen.
bool is_partly_hidden(const ProcessView& view);

// "chown kill setuid"; "none".
std::string capability_names(std::uint64_t set);
const char* kind_name(FdKind kind);

}  // namespace reeve::ctl
