// The system calls of the spawn path, each of which can be made to fail once (linked with --wrap).
#pragma once

#include <functional>
#include <string>

namespace reeve {

// The next call of that name fails with this error; skip: so many of them succeed before.
void fail_call(const std::string& name, int error, int skip = 0);
// Does something right before the next open that is for more than walking on, as somebody else could.
void before_open(std::function<void()> deed);
// True if the failure that was asked for has happened. Resets.
bool has_failed();

}  // namespace reeve
