// What clients are told about processes. See describe.hpp.
#include "daemon/engine/describe.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <limits>

namespace reeve {
namespace {

constexpr std::int64_t kMicroseconds = 1'000'000;

}  // namespace

std::string uptime_text(std::int64_t seconds) {
    seconds = std::max<std::int64_t>(seconds, 0);
    std::int64_t days = seconds / 86400;
    char clock[32];
    std::snprintf(clock, sizeof clock, "%d:%02d:%02d", static_cast<int>(seconds / 3600 % 24),
                  static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
    if (days == 0) return clock;
    return std::to_string(days) + (days == 1 ? " day, " : " days, ") + clock;
}

std::string stop_time_text(std::int64_t wall_seconds) {
    time_t when = static_cast<time_t>(wall_seconds);
    tm local{};
    ::localtime_r(&when, &local);
    char text[64];
    std::size_t length = ::strftime(text, sizeof text, "%b %d %I:%M %p", &local);
    return {text, length};
}

std::string description(const Process& process) {
    switch (process.state()) {
        case ProcessState::Running:
            return "pid " + std::to_string(process.pid()) + ", uptime " +
                   uptime_text(process.uptime_us() / kMicroseconds);
        case ProcessState::Fatal:
        case ProcessState::Backoff: {
            std::string why = process.spawn_error_text();
            return why.empty() ? "unknown error (try \"tail " + process.name() + "\")" : why;
        }
        case ProcessState::Stopped:
        case ProcessState::Exited:
            return process.start_wall_us() != 0 ? stop_time_text(process.stop_wall_us() / kMicroseconds)
                                                : "Not started";
        default: return "";
    }
}

Value wire_int(std::int64_t number) {
    return Value::integer(std::clamp<std::int64_t>(number, std::numeric_limits<std::int32_t>::min(),
                                                   std::numeric_limits<std::int32_t>::max()));
}

std::string log_path(const EngineImage& image, const LogView& log) {
    switch (log.kind) {
        case LogKind::File:
        case LogKind::Auto:
        case LogKind::Descriptor: return std::string(image.text(log.path));
        default: return "";
    }
}

Value process_info(const Member& member, std::int64_t wall_us) {
    const Process& process = member.process();
    const EngineImage& image = member.group().generation().image();
    const ProcView& view = member.group().view(member);
    std::string out = log_path(image, view.out);
    Value info = Value::structure();
    info.members().reserve(14);
    info.add("name", Value::string(process.name()));
    info.add("group", Value::string(process.settings().group));
    info.add("start", wire_int(process.start_wall_us() / kMicroseconds));
    info.add("stop", wire_int(process.stop_wall_us() / kMicroseconds));
    info.add("now", wire_int(wall_us / kMicroseconds));
    info.add("state", Value::integer(static_cast<int>(process.state())));
    info.add("statename", Value::string(state_name(process.state())));
    info.add("spawnerr", Value::string(process.spawn_error_text()));
    info.add("exitstatus", Value::integer(process.exit_status().value_or(0)));
    info.add("logfile", Value::string(out));
    info.add("stdout_logfile", Value::string(out));
    info.add("stderr_logfile", Value::string(log_path(image, view.err)));
    info.add("pid", wire_int(process.pid()));
    info.add("description", Value::string(description(process)));
    return info;
}

}  // namespace reeve
