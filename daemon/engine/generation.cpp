// One reading of the configuration. See generation.hpp.
#include "daemon/engine/generation.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

namespace reeve {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// A log that is to become AUTO keeps the file it has: that is no change.
bool log_changed(const EngineImage& active, const LogView& old_log, const EngineImage& fresh,
                 const LogView& new_log) {
    if (new_log.kind == LogKind::Auto) return false;
    return old_log.kind != new_log.kind || active.text(old_log.path) != fresh.text(new_log.path);
}

}  // namespace

std::shared_ptr<const Generation> Generation::map(const ConfigBody& body, const UniqueFd& fd,
                                                  const char*& wrong) {
    wrong = nullptr;
    if (body.size == 0 || body.size > kMaxImage) {
        wrong = "a configuration of an impossible size";
        return nullptr;
    }
    int seals = ::fcntl(fd.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals) {
        wrong = "a configuration that is not sealed";
        return nullptr;
    }
    if (::lseek(fd.get(), 0, SEEK_END) != static_cast<off_t>(body.size)) {
        wrong = "a configuration of another size than announced";
        return nullptr;
    }
    void* start = ::mmap(nullptr, body.size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (start == MAP_FAILED) {
        wrong = "a configuration that cannot be mapped";
        return nullptr;
    }
    std::shared_ptr<Generation> made(new Generation(body.generation, start, body.size));
    wrong = made->image_.open({static_cast<const std::byte*>(start), body.size});
    if (wrong != nullptr) return nullptr;
    return made;
}

Generation::~Generation() { ::munmap(start_, size_); }

std::uint32_t Generation::find_group(std::string_view name) const {
    for (std::uint32_t i = 0; i < image_.group_count(); ++i) {
        if (image_.text(image_.group(i).name) == name) return i;
    }
    return kAbsent;
}

ProcessSettings Generation::settings(std::uint32_t proc) const {
    const ProcView& view = image_.proc(proc);
    const GroupView& group = image_.group(view.group);
    ProcessSettings settings;
    settings.text.process = image_.text(view.name);
    settings.text.command = image_.text(view.command);
    settings.text.argv0 = image_.text(view.argv0);
    for (std::uint32_t i = 0; i < view.candidates.count; ++i) {
        settings.text.candidates.emplace_back(image_.text(image_.ref(view.candidates.first + i)));
    }
    settings.text.fcgi_url = image_.text(group.fcgi_url);
    settings.text.logs = {std::string(image_.text(view.out.path)), std::string(image_.text(view.err.path))};
    settings.group = image_.text(group.name);
    settings.autostart = (view.flags & kViewAutostart) != 0;
    settings.autorestart = view.autorestart;
    settings.stop_as_group = (view.flags & kViewStopAsGroup) != 0;
    settings.kill_as_group = (view.flags & kViewKillAsGroup) != 0;
    settings.priority = view.priority;
    settings.stop_signal = static_cast<int>(view.stopsignal);
    // Longer than a century is for ever, and keeps the sums of times in range.
    auto clamp = [](std::int64_t seconds) {
        return std::clamp<std::int64_t>(seconds, 0, std::int64_t{100} * 366 * 86400);
    };
    settings.start_secs = clamp(view.startsecs);
    settings.start_retries = view.startretries;
    settings.stop_wait_secs = clamp(view.stopwaitsecs);
    settings.exit_codes.clear();
    for (std::uint32_t i = 0; i < view.exitcodes.count; ++i) {
        settings.exit_codes.push_back(image_.number(view.exitcodes.first + i));
    }
    return settings;
}

bool group_changed(const EngineImage& active, std::uint32_t active_group, const EngineImage& fresh,
                   std::uint32_t fresh_group) {
    const GroupView& a = active.group(active_group);
    const GroupView& b = fresh.group(fresh_group);
    if (a.kind != b.kind || a.priority != b.priority || a.procs.count != b.procs.count ||
        a.events != b.events || a.buffer_size != b.buffer_size ||
        active.text(a.fcgi_url) != fresh.text(b.fcgi_url)) {
        return true;
    }
    for (std::uint32_t i = 0; i < a.procs.count; ++i) {
        const ProcView& p = active.proc(a.procs.first + i);
        const ProcView& q = fresh.proc(b.procs.first + i);
        if (active.text(p.name) != fresh.text(q.name) || p.definition[0] != q.definition[0] ||
            p.definition[1] != q.definition[1] || log_changed(active, p.out, fresh, q.out) ||
            log_changed(active, p.err, fresh, q.err)) {
            return true;
        }
    }
    return false;
}

}  // namespace reeve
