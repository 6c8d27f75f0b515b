// Proves that an image is sound before it is used in place. See image.hpp.
//
// Everything here reads untrusted bytes: confread is short-lived and parses the administrator's files, but
// nothing that follows may depend on its being right.
#include "common/base/image.hpp"

#include <sys/socket.h>

namespace reeve {
namespace {

class Checker {
  public:
    explicit Checker(std::span<const std::byte> bytes) : bytes_(bytes) {}

    const char* header(ImageKind kind, std::size_t tables_size) {
        if (bytes_.size() < sizeof(ImageHeader) || bytes_.size() > kMaxImage)
            return "image size is out of bounds";
        std::memcpy(&header_, bytes_.data(), sizeof header_);
        if (std::memcmp(header_.magic, "REEVEIMG", 8) != 0) return "no image";
        if (header_.version != kImageVersion) return "image of another version";
        if (header_.kind != kind) return "image of another kind";
        if (header_.size != bytes_.size()) return "image is cut";
        if (header_.tables % 8 != 0 || header_.tables > bytes_.size() ||
            bytes_.size() - header_.tables < tables_size)
            return "tables are outside the image";
        if (header_.pool.first > bytes_.size() || bytes_.size() - header_.pool.first < header_.pool.count)
            return "string pool is outside the image";
        return nullptr;
    }
    std::uint32_t tables() const { return header_.tables; }

    // A table of records: aligned and inside.
    bool table(Range range, std::size_t record, std::size_t align) const {
        return range.first % align == 0 && range.first <= bytes_.size() &&
               (bytes_.size() - range.first) / record >= range.count;
    }
    // A string: inside the pool, ended by NUL, none within.
    bool str(StrRef ref, bool may_be_absent = false) const {
        if (ref.offset == kAbsent) return may_be_absent && ref.length == 0;
        if (ref.offset < header_.pool.first) return false;
        std::size_t start = ref.offset - header_.pool.first;
        if (start >= header_.pool.count || header_.pool.count - start <= ref.length) return false;
        const char* text = reinterpret_cast<const char*>(bytes_.data()) + ref.offset;
        return std::memchr(text, 0, std::size_t{ref.length} + 1) == text + ref.length;
    }
    static bool within(Range range, std::uint32_t count) {
        return range.first <= count && count - range.first >= range.count;
    }

  private:
    std::span<const std::byte> bytes_;
    ImageHeader header_{};
};

bool address_ok(const AddressRec& address) {
    if (address.length > sizeof address.bytes) return false;
    return address.family == AF_UNIX || address.family == AF_INET || address.family == AF_INET6;
}

}  // namespace

const char* SpawnerImage::open(std::span<const std::byte> bytes) {
    Checker check(bytes);
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
    auto reject = [this](const char* wrong) {
        bytes_ = {};
        tables_ = nullptr;
        return wrong;
    };
    for (std::uint32_t i = 0; i < t->refs.count; ++i) {
        if (!check.str(ref(i))) return reject("a string of the list is outside the pool");
    }
    for (std::uint32_t i = 0; i < t->namespaces.count; ++i) {
        if (!check.str(rpc_namespace(i))) return reject("a namespace is outside the pool");
    }
    auto identity_ok = [&](const Identity& identity) { return check.within(identity.groups, t->gids.count); };
    auto log_ok = [&](const LogRec& log) {
        bool named = log.kind == LogKind::File || log.kind == LogKind::Auto;
        return log.kind <= LogKind::Syslog && check.str(log.path, !named);
    };
    const DaemonRec& d = t->daemon;
    if (!check.str(d.identifier) || !check.str(d.config_file) || !check.str(d.directory, true) ||
        !check.str(d.childlogdir) || !check.str(d.pidfile) || !log_ok(d.log) || !identity_ok(d.identity)) {
        return reject("the daemon's record is unsound");
    }
    for (const Identity& identity : d.parts) {
        if (!identity_ok(identity)) return reject("an account of the parts is unsound");
    }
    std::uint32_t next_proc = 0;  // groups partition the processes, in order
    for (std::uint32_t i = 0; i < t->groups.count; ++i) {
        const GroupRec& g = group(i);
        if (!check.str(g.name) || !check.within(g.procs, t->procs.count) || g.procs.first != next_proc)
            return reject("a group's record is unsound");
        next_proc += g.procs.count;
    }
    if (next_proc != t->procs.count || t->procs.count > 65536) return reject("processes outside of groups");
    for (std::uint32_t i = 0; i < t->procs.count; ++i) {
        const ProcRec& p = proc(i);
        bool sound =
            check.str(p.name) && check.str(p.group_name) && p.group < t->groups.count &&
            i - group(p.group).procs.first < group(p.group).procs.count && p.kind <= ProgramKind::Fcgi &&
            p.command_status <= CommandStatus::NoEscapedCharacter && check.within(p.argv, t->refs.count) &&
            p.argv.count <= kMaxArgv && p.env.count <= kMaxArgv && check.within(p.env, t->refs.count) &&
            check.within(p.candidates, t->refs.count) && check.str(p.directory, true) &&
            (p.fcgi == kAbsent || p.fcgi < t->fcgi.count) && identity_ok(p.identity) && log_ok(p.out) &&
            log_ok(p.err) && (p.command_status != CommandStatus::Ok || p.argv.count > 0);
        if (!sound) return reject("a process's record is unsound");
    }
    for (std::uint32_t i = 0; i < t->listeners.count; ++i) {
        const ListenerRec& l = listener(i);
        if (!check.str(l.section) || !check.str(l.shown) || !check.str(l.path, l.address.family != AF_UNIX) ||
            !check.str(l.allowed_hosts, true) || !address_ok(l.address)) {
            return reject("a server's record is unsound");
        }
    }
    for (std::uint32_t i = 0; i < t->fcgi.count; ++i) {
        const FcgiRec& f = fcgi(i);
        if (!check.str(f.url) || !check.str(f.path, f.address.family != AF_UNIX) || !address_ok(f.address))
            return reject("a FastCGI socket's record is unsound");
    }
    for (std::uint32_t i = 0; i < t->lines.count; ++i) {
        if (!check.str(line(i).text)) return reject("a log line is outside the pool");
    }
    return nullptr;
}

const char* EngineImage::open(std::span<const std::byte> bytes) {
    Checker check(bytes);
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
