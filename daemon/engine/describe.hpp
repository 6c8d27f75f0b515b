// What clients are told about processes: the structs of getProcessInfo and getAllConfigInfo, and their texts.
#pragma once

#include <cstdint>
#include <string>

#include "common/rpcproto/value.hpp"
#include "daemon/engine/generation.hpp"
#include "daemon/engine/group.hpp"

namespace reeve {

// "0:04:35", "2 days, 1:01:01"; a negative time is "0:00:00".
std::string uptime_text(std::int64_t seconds);
// "Nov 20 11:53 PM", local time.
std::string stop_time_text(std::int64_t wall_seconds);
// The description that `supervisorctl status` shows.
std::string description(const Process& process);

// A number as it fits into the API's 32 bits.
Value wire_int(std::int64_t number);

// The path of a log as clients see it; empty if there is none.
std::string log_path(const EngineImage& image, const LogView& log);

// The struct of getProcessInfo. There may be a thousand of them in an answer, so it is written as it is sent.
void write_process_info(const Member& member, std::int64_t wall_us, std::string& out);

// in_use: a group of that name is active. auto_known: AUTO logs of this reading exist, so they have a name.
Value config_info(const Generation& generation, std::uint32_t proc, bool in_use, bool auto_known);

}  // namespace reeve
