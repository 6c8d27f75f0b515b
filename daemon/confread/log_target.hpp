// What kind of thing a log file's path names.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/confread/model.hpp"

namespace reeve {

// Sets kind, path and descriptor. /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N mean supervisord's
// own descriptors, which are to be duplicated and not opened.
void set_log_target(LogSetting& log, const std::string& path);

std::int32_t clamp_to_int32(std::int64_t value);

// The name of an AUTO log: NAME-CHANNEL---IDENTIFIER-RRRRRRRR.log with eight random characters.
std::string auto_log_path(const DaemonSetting& daemon, const std::string& name, const char* channel);

}  // namespace reeve
