// Proves that an image is sound before it is used in place. See image.hpp.
//
// Everything here reads untrusted bytes: confread is short-lived and parses the administrator's files, but
// nothing that follows may depend on its being right.
#include "common/base/image.hpp"

#include <sys/socket.h>

#include "common/base/image_check.hpp"
#include "common/base/messages.hpp"

namespace reeve {
namespace {

const char* check_records(const ImageCheck& check, const SpawnerImage& image) {
    const SpawnerTables& t = image.tables();
    auto strings = [&](Range range) { return check.within(range, t.refs.count); };
    auto identity_ok = [&](const Identity& identity) { return check.within(identity.groups, t.gids.count); };
    auto log_ok = [&](const LogRec& log) {
        bool named = log.kind == LogKind::File || log.kind == LogKind::Auto;
        return log.kind <= LogKind::Syslog && check.str(log.path, !named);
    };
    auto place_ok = [&](const AddressRec& address, StrRef path) {
        bool known = address.family == AF_UNIX || address.family == AF_INET || address.family == AF_INET6;
        return known && address.length <= sizeof address.bytes && check.str(path, address.family != AF_UNIX);
    };
    bool sound = true;
    for (std::uint32_t i = 0; i < t.refs.count; ++i) sound = sound && check.str(image.ref(i));
    for (std::uint32_t i = 0; i < t.namespaces.count; ++i) sound = sound && check.str(image.rpc_namespace(i));
    for (std::uint32_t i = 0; i < t.lines.count; ++i) sound = sound && check.str(image.line(i).text);
    if (!sound) return "a string is outside the pool";
    const DaemonRec& d = t.daemon;
    if (!check.str(d.identifier) || !check.str(d.config_file) || !check.str(d.directory, true) ||
        !check.str(d.childlogdir) || !check.str(d.pidfile) || !log_ok(d.log) || !identity_ok(d.identity))
        return "the daemon's record is unsound";
    for (const Identity& identity : d.parts) sound = sound && identity_ok(identity);
    std::uint32_t next_proc = 0;  // groups partition the processes, in order
    for (std::uint32_t i = 0; i < t.groups.count; ++i) {
        const GroupRec& g = image.group(i);
        sound =
            sound && check.str(g.name) && check.within(g.procs, t.procs.count) && g.procs.first == next_proc;
        next_proc += g.procs.count;
    }
    if (!sound || next_proc != t.procs.count || t.procs.count > kMaxSlots)
        return "an account or a group's record is unsound";
    for (std::uint32_t i = 0; i < t.procs.count; ++i) {
        const ProcRec& p = image.proc(i);
        sound = sound && check.str(p.name) && check.str(p.group_name) && p.group < t.groups.count &&
                i - image.group(p.group).procs.first < image.group(p.group).procs.count &&
                p.kind <= ProgramKind::Fcgi && p.command_status <= CommandStatus::NoEscapedCharacter &&
                strings(p.argv) && strings(p.env) && p.argv.count <= kMaxArgv && p.env.count <= kMaxArgv &&
                strings(p.candidates) && check.str(p.directory, true) &&
                (p.fcgi == kAbsent || p.fcgi < t.fcgi.count) && identity_ok(p.identity) && log_ok(p.out) &&
                log_ok(p.err) && (p.command_status != CommandStatus::Ok || p.argv.count > 0);
    }
    if (!sound) return "a process's record is unsound";
    for (std::uint32_t i = 0; i < t.listeners.count; ++i) {
        const ListenerRec& l = image.listener(i);
        sound = sound && check.str(l.section) && check.str(l.shown) && check.str(l.allowed_hosts, true) &&
                place_ok(l.address, l.path);
    }
    for (std::uint32_t i = 0; i < t.fcgi.count; ++i) {
        const FcgiRec& f = image.fcgi(i);
        sound = sound && check.str(f.url) && place_ok(f.address, f.path);
    }
    return sound ? nullptr : "a socket's record is unsound";
}

}  // namespace

const char* ImageCheck::header(ImageKind kind, std::size_t tables_size) {
    if (bytes_.size() < sizeof(ImageHeader) || bytes_.size() > kMaxImage)
        return "image size is out of bounds";
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    if (std::memcmp(header_.magic, "REEVEIMG", 8) != 0) return "no image";
    if (header_.version != kImageVersion) return "image of another version";
    if (header_.kind != kind) return "image of another kind";
    if (header_.size != bytes_.size()) return "image is cut";
    if (header_.tables % 8 != 0 || header_.tables > bytes_.size() ||
        bytes_.size() - header_.tables < tables_size || header_.pool.first > bytes_.size() ||
        bytes_.size() - header_.pool.first < header_.pool.count)
        return "tables or strings are outside the image";
    return nullptr;
}

bool ImageCheck::table(Range range, std::size_t record, std::size_t align) const {
    return range.first % align == 0 && range.first <= bytes_.size() &&
           (bytes_.size() - range.first) / record >= range.count;
}

bool ImageCheck::str(StrRef ref, bool may_be_absent) const {
    if (ref.offset == kAbsent) return may_be_absent && ref.length == 0;
    if (ref.offset < header_.pool.first) return false;
    std::size_t start = ref.offset - header_.pool.first;
    if (start >= header_.pool.count || header_.pool.count - start <= ref.length) return false;
    const char* text = reinterpret_cast<const char*>(bytes_.data()) + ref.offset;
    return std::memchr(text, 0, std::size_t{ref.length} + 1) == text + ref.length;
}

const char* SpawnerImage::open(std::span<const std::byte> bytes) {
    ImageCheck check(bytes);
    if (const char* wrong = check.header(ImageKind::Spawner, sizeof(SpawnerTables))) return wrong;
    const auto* t = reinterpret_cast<const SpawnerTables*>(bytes.data() + check.tables());
    if (!check.table(t->groups, sizeof(GroupRec), 8) || !check.table(t->procs, sizeof(ProcRec), 8) ||
        !check.table(t->listeners, sizeof(ListenerRec), 8) || !check.table(t->fcgi, sizeof(FcgiRec), 8) ||
        !check.table(t->lines, sizeof(LineRec), 8) || !check.table(t->refs, sizeof(StrRef), 4) ||
        !check.table(t->gids, sizeof(std::uint32_t), 4) || !check.table(t->namespaces, sizeof(StrRef), 4)) {
        return "a table is outside the image";
    }
    bytes_ = bytes;
    tables_ = t;
    const char* wrong = check_records(check, *this);
    if (wrong != nullptr) *this = SpawnerImage();
    return wrong;
}

}  // namespace reeve
