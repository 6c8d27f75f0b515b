// Proves that the engine's image is sound before it is used in place. See image.hpp. The spawner does not
// look into this image and does not link this file.
#include "common/base/image.hpp"
#include "common/base/image_check.hpp"

namespace reeve {

const char* EngineImage::open(std::span<const std::byte> bytes) {
    ImageCheck check(bytes);
    if (const char* wrong = check.header(ImageKind::Engine, sizeof(EngineTables))) return wrong;
    const auto* t = reinterpret_cast<const EngineTables*>(bytes.data() + check.tables());
    if (!check.table(t->groups, sizeof(GroupView), 8) || !check.table(t->procs, sizeof(ProcView), 8) ||
        !check.table(t->servers, sizeof(ServerView), 8) || !check.table(t->namespaces, sizeof(StrRef), 4) ||
        !check.table(t->refs, sizeof(StrRef), 4) || !check.table(t->numbers, sizeof(std::int32_t), 4)) {
        return "a table is outside the image";
    }
    bytes_ = bytes;
    tables_ = t;
    auto reject = [this](const char* wrong) {
        bytes_ = {};
        tables_ = nullptr;
        return wrong;
    };
    auto log_ok = [&](const LogView& log) {
        return log.kind <= LogKind::Syslog && check.str(log.path, true);
    };
    for (std::uint32_t i = 0; i < t->refs.count; ++i) {
        if (!check.str(ref(i))) return reject("a string of the list is outside the pool");
    }
    for (std::uint32_t i = 0; i < t->namespaces.count; ++i) {
        if (!check.str(rpc_namespace(i))) return reject("a namespace is outside the pool");
    }
    if (!check.str(t->daemon.identifier) || !check.str(t->daemon.version) || !log_ok(t->daemon.log))
        return reject("the daemon's record is unsound");
    for (std::uint32_t i = 0; i < t->servers.count; ++i) {
        const ServerView& s = server(i);
        if (!check.str(s.section) || !check.str(s.username, true) || !check.str(s.password, true))
            return reject("a server's record is unsound");
    }
    std::uint32_t next_proc = 0;
    for (std::uint32_t i = 0; i < t->groups.count; ++i) {
        const GroupView& g = group(i);
        if (!check.str(g.name) || g.kind > ProgramKind::Fcgi || !check.within(g.procs, t->procs.count) ||
            g.procs.first != next_proc || !check.str(g.fcgi_url, true)) {
            return reject("a group's record is unsound");
        }
        next_proc += g.procs.count;
    }
    if (next_proc != t->procs.count) return reject("processes outside of groups");
    for (std::uint32_t i = 0; i < t->procs.count; ++i) {
        const ProcView& p = proc(i);
        bool sound =
            check.str(p.name) && p.group < t->groups.count && p.kind <= ProgramKind::Fcgi &&
            check.str(p.command) && check.str(p.argv0, true) && check.within(p.candidates, t->refs.count) &&
            p.command_status <= CommandStatus::NoEscapedCharacter &&
            p.autorestart <= Autorestart::Unexpected && check.within(p.exitcodes, t->numbers.count) &&
            check.str(p.directory, true) && check.str(p.serverurl, true) && log_ok(p.out) && log_ok(p.err);
        if (!sound) return reject("a process's record is unsound");
    }
    return nullptr;
}

}  // namespace reeve
