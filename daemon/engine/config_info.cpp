// The struct of getAllConfigInfo: one process of the configuration, whether active or not. See describe.hpp.
#include "daemon/engine/describe.hpp"

namespace reeve {
namespace {

Value text_or_none(const EngineImage& image, StrRef ref) {
    return Value::string(ref.offset == kAbsent ? "none" : std::string(image.text(ref)));
}

void add_log(Value& info, const EngineImage& image, const LogView& log, const std::string& channel,
             bool auto_known) {
    std::string path = log_path(image, log);
    if (log.kind == LogKind::Auto && !auto_known) path = "auto";
    info.add(channel + "_capture_maxbytes", wire_int(log.capture_max));
    info.add(channel + "_events_enabled", Value::boolean((log.stream_flags & kStreamEvents) != 0));
    info.add(channel + "_logfile", Value::string(path.empty() ? "none" : path));
    info.add(channel + "_logfile_backups", wire_int(log.backups));
    info.add(channel + "_logfile_maxbytes", wire_int(log.maxbytes));
    info.add(channel + "_syslog", Value::boolean((log.stream_flags & kStreamSyslog) != 0));
}

}  // namespace

Value config_info(const Generation& generation, std::uint32_t proc, bool in_use, bool auto_known) {
    const EngineImage& image = generation.image();
    const ProcView& view = image.proc(proc);
    const GroupView& group = image.group(view.group);
    Value info = Value::structure();
    info.members().reserve(30);
    info.add("autostart", Value::boolean((view.flags & kViewAutostart) != 0));
    info.add("autorestart", view.autorestart == Autorestart::Unexpected
                                ? Value::string("unexpected")
                                : Value::boolean(view.autorestart == Autorestart::Yes));
    info.add("directory", text_or_none(image, view.directory));
    info.add("uid", view.uid == kAbsent ? Value::string("none") : wire_int(view.uid));
    info.add("command", Value::string(std::string(image.text(view.command))));
    Value codes = Value::array();
    for (std::uint32_t i = 0; i < view.exitcodes.count; ++i) {
        codes.items().push_back(Value::integer(image.number(view.exitcodes.first + i)));
    }
    info.add("exitcodes", std::move(codes));
    info.add("group", Value::string(std::string(image.text(group.name))));
    info.add("group_prio", wire_int(group.priority));
    info.add("inuse", Value::boolean(in_use));
    info.add("killasgroup", Value::boolean((view.flags & kViewKillAsGroup) != 0));
    info.add("name", Value::string(std::string(image.text(view.name))));
    info.add("process_prio", wire_int(view.priority));
    info.add("redirect_stderr", Value::boolean((view.flags & kViewRedirectStderr) != 0));
    info.add("startretries", wire_int(view.startretries));
    info.add("startsecs", wire_int(view.startsecs));
    add_log(info, image, view.out, "stdout", auto_known);
    info.add("stopsignal", wire_int(view.stopsignal));
    info.add("stopwaitsecs", wire_int(view.stopwaitsecs));
    add_log(info, image, view.err, "stderr", auto_known);
    info.add("serverurl", text_or_none(image, view.serverurl));
    return info;
}

}  // namespace reeve
