// What clients are told about processes. See describe.hpp.
#include "daemon/engine/describe.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <limits>

namespace reeve {
namespace {

constexpr std::int64_t kMicroseconds = 1'000'000;

std::string_view log_text(const EngineImage& image, const LogView& log) {
    switch (log.kind) {
        case LogKind::File:
        case LogKind::Auto:
        case LogKind::Descriptor: return image.text(log.path);
        default: return "";
    }
}

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
    return std::string(log_text(image, log));
}

void write_process_info(const Member& member, std::int64_t wall_us, std::string& out) {
    const Process& process = member.process();
    const EngineImage& image = member.group().generation().image();
    const ProcView& view = member.group().view(member);
    Encoder encoder(out);
    auto text = [&](std::string_view name, std::string_view value) {
        encoder.name(name);
        encoder.string(value);
    };
    auto number = [&](std::string_view name, std::int64_t value) {
        encoder.name(name);
        encoder.integer(wire_int(value).as_int());
    };
    std::string_view stdout_path = log_text(image, view.out);
    encoder.structure(14);
    text("name", process.name());
    text("group", process.settings().group);
    number("start", process.start_wall_us() / kMicroseconds);
    number("stop", process.stop_wall_us() / kMicroseconds);
    number("now", wall_us / kMicroseconds);
    number("state", static_cast<int>(process.state()));
    text("statename", state_name(process.state()));
    text("spawnerr", process.spawn_error_text());
    number("exitstatus", process.exit_status().value_or(0));
    text("logfile", stdout_path);
    text("stdout_logfile", stdout_path);
    text("stderr_logfile", log_text(image, view.err));
    number("pid", process.pid());
    text("description", description(process));
}

}  // namespace reeve
