// The lines of the main log that say who has changed what: one at INFO for each call of a method that changes
// something, when its result is known.
//
//     command: supervisor.stopProcess('web') by uid 1000 on /run/supervisor.sock as 'admin': OK
//     command: supervisor.startProcess('nope') by 192.0.2.7:40312: fault 10 BAD_NAME: nope
//
// Texts of clients are bounded and quoted, so that nobody can forge a line. What is sent to a program's stdin
// never appears; events sent by clients change nothing here and may be many, so their lines are at DEBG.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/rpcproto/methods.hpp"
#include "daemon/engine/arguments.hpp"
#include "daemon/engine/outcome.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

struct Call;

// "uid 1000 on /run/supervisor.sock", "192.0.2.7:40312", with the name that was logged in with.
Origin origin_of(const Call& call);

// The text on one line, control characters and the like as escapes, cut after some hundred bytes.
std::string one_line(std::string_view text);

// Answers as `answer` does, after the line about it. For methods that only read that is `answer` itself.
Answer logged(Log& log, std::string_view name, const MethodRow& method, std::span<const Value> args,
              const Origin& origin, Answer answer);

}  // namespace reeve
