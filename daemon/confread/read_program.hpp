// One program-like section: [program:x], [eventlistener:x] or [fcgi-program:x].
#pragma once

#include <string>
#include <vector>

#include "daemon/confread/context.hpp"

namespace reeve {

// The processes of a section as members of a group, in order of their names. A FastCGI program shares the
// socket of that index.
std::vector<ProcessSetting> read_processes(Context& context, const Section& section, ProgramKind kind,
                                           const std::string& group, std::uint32_t fcgi = kAbsent);

}  // namespace reeve
