// Runs supervisor-confread by hand, as supervisord would: image_dump CONFREAD ARGV0 [ARGUMENT ...]
// Prints what the two images hold, one item a line, or passes on confread's status. For tests and for
// looking.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/base/image.hpp"

namespace {

using namespace reeve;

std::span<const std::byte> map(int fd, const char* name) {
    struct stat info {};
    if (::fstat(fd, &info) != 0 || info.st_size == 0) {
        std::printf("%s: nothing written\n", name);
        std::exit(0);
    }
    auto size = static_cast<std::size_t>(info.st_size);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) std::exit(1);
    std::printf("%s: %zu bytes, seals %x\n", name, size, static_cast<unsigned>(::fcntl(fd, F_GET_SEALS)));
    return {static_cast<const std::byte*>(address), size};
}

std::string text(const ImageBase& image, StrRef ref) {
    return ref.offset == kAbsent ? "-" : "'" + std::string(image.text(ref)) + "'";
}

int id(std::uint32_t value) { return static_cast<int>(value); }  // kAbsent as -1

std::string identity(const SpawnerImage& image, const Identity& identity) {
    std::string shown = std::to_string(id(identity.uid)) + ":" + std::to_string(id(identity.gid)) + "[";
    for (std::uint32_t i = 0; i < identity.groups.count; ++i)
        shown += (i > 0 ? "," : "") + std::to_string(image.gid(identity.groups.first + i));
    return shown + "]";
}

void print_log(const SpawnerImage& image, const char* name, const LogRec& log) {
    std::printf("  %s kind %u fd %u path %s maxbytes %" PRId64 " backups %d capture %u flags %u\n", name,
                static_cast<unsigned>(log.kind), log.descriptor, text(image, log.path).c_str(), log.maxbytes,
                log.backups, log.capture_max, log.stream_flags);
}

void print_refs(const ImageBase& image, const char* name, Range range, auto ref) {
    for (std::uint32_t i = 0; i < range.count; ++i)
        std::printf("  %s %s\n", name, text(image, ref(range.first + i)).c_str());
}

void dump(const SpawnerImage& image) {
    const DaemonRec& d = image.daemon();
    std::printf(
        "daemon flags %u loglevel %u umask %03o identifier %s config %s directory %s childlogdir %s "
        "pidfile %s minfds %" PRId64 " minprocs %" PRId64 " user %s\n",
        d.flags, d.loglevel, d.umask, text(image, d.identifier).c_str(), text(image, d.config_file).c_str(),
        text(image, d.directory).c_str(), text(image, d.childlogdir).c_str(), text(image, d.pidfile).c_str(),
        d.minfds, d.minprocs, identity(image, d.identity).c_str());
    std::printf("  parts %s %s %s\n", identity(image, d.parts[0]).c_str(),
                identity(image, d.parts[1]).c_str(), identity(image, d.parts[2]).c_str());
    print_log(image, "log", d.log);
    const SpawnerTables& t = image.tables();
    for (std::uint32_t i = 0; i < t.lines.count; ++i)
        std::printf("line %u %s\n", image.line(i).level, text(image, image.line(i).text).c_str());
    for (std::uint32_t i = 0; i < t.namespaces.count; ++i)
        std::printf("namespace %s\n", text(image, image.rpc_namespace(i)).c_str());
    for (std::uint32_t i = 0; i < t.listeners.count; ++i) {
        const ListenerRec& l = image.listener(i);
        std::printf(
            "listener [%s] shown %s path %s family %u port %u mode %03o owner %d:%d resolve %d auth %u\n",
            image.c_str(l.section), text(image, l.shown).c_str(), text(image, l.path).c_str(),
            l.address.family, l.port, l.mode, id(l.uid), id(l.gid), l.resolve_error, l.authenticated);
    }
    for (std::uint32_t i = 0; i < t.fcgi.count; ++i) {
        const FcgiRec& f = image.fcgi(i);
        std::printf("fcgi %s path %s family %u backlog %u mode %03o owner %d:%d resolve %d\n",
                    text(image, f.url).c_str(), text(image, f.path).c_str(), f.address.family, f.backlog,
                    f.mode, id(f.uid), id(f.gid), f.resolve_error);
    }
    for (std::uint32_t i = 0; i < image.proc_count(); ++i) {
        const ProcRec& p = image.proc(i);
        std::printf("proc %s:%s kind %u status %u flags %u directory %s umask %d fcgi %d user %s\n",
                    image.c_str(p.group_name), image.c_str(p.name), static_cast<unsigned>(p.kind),
                    static_cast<unsigned>(p.command_status), p.flags, text(image, p.directory).c_str(),
                    id(p.umask), id(p.fcgi), identity(image, p.identity).c_str());
        auto ref = [&](std::uint32_t k) { return image.ref(k); };
        print_refs(image, "argv", p.argv, ref);
        print_refs(image, "candidate", p.candidates, ref);
        print_refs(image, "env", p.env, ref);
        print_log(image, "stdout", p.out);
        print_log(image, "stderr", p.err);
    }
}

void print_view(const EngineImage& image, const char* name, const LogView& log) {
    std::printf("  %s kind %u path %s maxbytes %" PRId64 " backups %d capture %u flags %u\n", name,
                static_cast<unsigned>(log.kind), text(image, log.path).c_str(), log.maxbytes, log.backups,
                log.capture_max, log.stream_flags);
}

void dump(const EngineImage& image) {
    std::printf("view identifier %s version %s loglevel %u flags %u\n",
                text(image, image.daemon().identifier).c_str(), text(image, image.daemon().version).c_str(),
                image.daemon().loglevel, image.daemon().flags);
    for (std::uint32_t i = 0; i < image.server_count(); ++i) {
        const ServerView& s = image.server(i);
        std::printf("server [%s] family %u username %s password %s\n", image.c_str(s.section), s.family,
                    text(image, s.username).c_str(), s.password.offset == kAbsent ? "-" : "set");
    }
    for (std::uint32_t i = 0; i < image.group_count(); ++i) {
        const GroupView& g = image.group(i);
        std::printf("group %s kind %u priority %d procs %u+%u events %" PRIx64 " buffer %" PRId64 " url %s\n",
                    text(image, g.name).c_str(), static_cast<unsigned>(g.kind), g.priority, g.procs.first,
                    g.procs.count, g.events, g.buffer_size, text(image, g.fcgi_url).c_str());
        for (std::uint32_t j = g.procs.first; j < g.procs.first + g.procs.count; ++j) {
            const ProcView& p = image.proc(j);
            std::printf(
                " process %s command %s kind %u flags %u autorestart %u priority %d startsecs %" PRId64
                " startretries %" PRId64 " stopwaitsecs %" PRId64
                " stopsignal %u uid %d directory %s "
                "serverurl %s definition %016" PRIx64 "%016" PRIx64 "\n",
                text(image, p.name).c_str(), text(image, p.command).c_str(), static_cast<unsigned>(p.kind),
                p.flags, static_cast<unsigned>(p.autorestart), p.priority, p.startsecs, p.startretries,
                p.stopwaitsecs, p.stopsignal, id(p.uid), text(image, p.directory).c_str(),
                text(image, p.serverurl).c_str(), p.definition[0], p.definition[1]);
            for (std::uint32_t k = 0; k < p.exitcodes.count; ++k)
                std::printf("  exitcode %d\n", image.number(p.exitcodes.first + k));
            print_view(image, "stdout", p.out);
            print_view(image, "stderr", p.err);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: image_dump CONFREAD ARGV0 [ARGUMENT ...]\n", stderr);
        return 2;
    }
    // Numbers far from 3 and 4, so that dup2 moves both and clears close-on-exec.
    int spawner_fd = ::fcntl(::memfd_create("image", MFD_ALLOW_SEALING), F_DUPFD, 100);
    int engine_fd = ::fcntl(::memfd_create("view", MFD_ALLOW_SEALING), F_DUPFD, 100);
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(spawner_fd, 3);
        ::dup2(engine_fd, 4);
        ::execv(argv[1], argv + 2);
        std::perror(argv[1]);
        ::_exit(127);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return 1;
    if (status != 0) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    SpawnerImage image;
    EngineImage view;
    const char* wrong = image.open(map(spawner_fd, "image"));
    if (wrong == nullptr) wrong = view.open(map(engine_fd, "view"));
    if (wrong != nullptr) {
        std::fprintf(stderr, "unsound image: %s\n", wrong);
        return 1;
    }
    dump(image);
    dump(view);
    return 0;
}
