// supervisord --check-config: what is odd about a configuration although it can be used.
#pragma once

#include <string>
#include <vector>

#include "daemon/confread/context.hpp"

namespace reeve {

// One sentence each: unknown sections and keys, commands and directories that do not exist.
std::vector<std::string> find_oddities(const Context& context);

}  // namespace reeve
