// The order of the start. See startup.hpp.
#include "spawner/startup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/log_line.hpp"
#include "spawner/confread_run.hpp"
#include "spawner/finish.hpp"
#include "spawner/logfile.hpp"
#include "spawner/parts.hpp"
#include "spawner/say.hpp"
#include "spawner/sockets.hpp"

namespace reeve {
namespace {

// Descriptors 0 to 2 must be there: everything else relies on its own being above them.
void secure_standard_descriptors(State& state) {
    int fd = 0;
    do fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    // The parts need it, too: without it they would be started again and again in vain.
    if (fd < 0) refuse_to_start(state, "cannot open /dev/null: %s", std::strerror(errno));
    ::close(fd);
}

void note_inherited(State& state) {
    for (std::size_t i = 0; i < state.inherited.size(); ++i) {
        int fd = static_cast<int>(i);
        state.inherited[i] = ::fcntl(fd, F_GETFD) >= 0 && fd != state.life.start_directory;
    }
}

void open_main_log(State& state) {
    const SpawnerImage& image = state.table.boot();
    const LogRec& log = image.daemon().log;
    state.loglevel = static_cast<Level>(image.daemon().loglevel);
    state.console = state.foreground && (image.daemon().flags & kDaemonSilent) == 0;
    if (log.kind == LogKind::Syslog) {
        state.syslog = connect_syslog();
        return;
    }
    const char* path = image.c_str(log.path);
    FileResult result = do_log_file(state, image, log, FileOp::Reopen, true);
    if (!result.fd.valid()) {
        std::fprintf(
            stderr, "Error: Cannot open the log file %s: %s\n", path != nullptr ? path : "of supervisord",
            result.refused ? "it is, or is reached by, a link that others could have made, or it has "
                             "several names (log_symlinks=allow in [supervisord] allows that)"
                           : std::strerror(result.error));
        std::exit(1);
    }
    state.main_log = static_cast<UniqueFd&&>(result.fd);
    state.main_log_special = result.special;
}

// Locks the pidfile if it can be opened at all; that it cannot is said later, and is no reason not to run.
void lock_pidfile(State& state) {
    const SpawnerImage& image = state.table.boot();
    const char* path = image.c_str(image.daemon().pidfile);
    for (int i = 0; i < 10; ++i) {
        FileResult file = open_by_rule(path, O_RDWR | O_CREAT, 0666, rule_holds(state, image));
        if (!file.fd.valid()) return;
        if (file.special) {
            state.pidfile = static_cast<UniqueFd&&>(file.fd);
            return;
        }
        if (::flock(file.fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) {
                state.pidfile = static_cast<UniqueFd&&>(file.fd);
                return;
            }
            char pid[32] = "";
            ssize_t got = ::pread(file.fd.get(), pid, sizeof pid - 1, 0);
            if (got > 0) pid[std::strcspn(pid, "\n")] = 0;
            refuse_to_start(
                state, "Another supervisord (pid %s) is running with the pidfile %s.  Shut it down first",
                pid[0] != 0 ? pid : "unknown", path);
        }
        // The owner before may have removed the file between our open and our lock.
        struct stat ours {};
        struct stat there {};
        if (::fstat(file.fd.get(), &ours) == 0 && ::stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
            ours.st_dev == there.st_dev) {
            state.pidfile = static_cast<UniqueFd&&>(file.fd);
            return;
        }
    }
}

void write_pidfile(State& state) {
    const SpawnerImage& image = state.table.boot();
    const char* path = image.c_str(image.daemon().pidfile);
    char text[32];
    int length = std::snprintf(text, sizeof text, "%d\n", static_cast<int>(::getpid()));
    struct stat status {};
    bool written = state.pidfile.valid() && ::fstat(state.pidfile.get(), &status) == 0 &&
                   (!S_ISREG(status.st_mode) || ::ftruncate(state.pidfile.get(), 0) == 0) &&
                   ::write(state.pidfile.get(), text, static_cast<std::size_t>(length)) == length;
    if (!written) {
        say(state, Level::Critical, "could not write pidfile %s", path);
        return;
    }
    // A daemon's umask came after the file was made.
    if (S_ISREG(status.st_mode) && status.st_size == 0 && !state.foreground)
        ::fchmod(state.pidfile.get(), 0666 & ~image.daemon().umask);
    say(state, Level::Info, "supervisord started with pid %d", static_cast<int>(::getpid()));
}

// Names the programs that this root cannot signal, for want of a capability.
void warn_without_kill(const State& state) {
    if (!state.root || state.may_kill) return;
    const SpawnerImage& image = state.table.boot();
    char names[1000] = "";
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < image.proc_count(); ++i) {
        const ProcRec& proc = image.proc(i);
        std::string_view name = image.text(proc.name);
        if (proc.identity.uid == kAbsent || proc.identity.uid == 0 || size + name.size() + 3 > sizeof names)
            continue;
        if (size > 0) size += std::string_view(", ").copy(names + size, 2);
        size += name.copy(names + size, name.size());
    }
    if (size > 0)
        say(state, Level::Warn, "root without CAP_KILL: these programs of other users cannot be stopped: %s",
            names);
}

// The lines that arose before there was a log: all CRIT, then all WARN, then the rest; among those of a level
// the configuration's first.
void write_collected_lines(const State& state, bool user_set, const Raised& raised) {
    const SpawnerImage& image = state.table.boot();
    for (Level level : {Level::Critical, Level::Warn, Level::Info}) {
        for (std::uint32_t i = 0; i < image.tables().lines.count; ++i) {
            const LineRec& line = image.line(i);
            bool fits = level == Level::Info ? line.level != static_cast<std::uint32_t>(Level::Critical) &&
                                                   line.level != static_cast<std::uint32_t>(Level::Warn)
                                             : line.level == static_cast<std::uint32_t>(level);
            if (fits) say_text(state, static_cast<Level>(line.level), image.text(line.text));
        }
        if (level == Level::Warn && state.root && !state.may_change_user) {
            say(state, level,
                "root cannot become another user here (no CAP_SETUID and CAP_SETGID, or a user namespace "
                "without "
                "one): engine, front and log writer run as root, without capabilities");
        }
        if (level == Level::Warn) warn_without_kill(state);
        if (level != Level::Info) continue;
        if (user_set) say(state, level, "Set uid to user %u succeeded", ::getuid());
        auto increased = [&state](const char* name, std::uint64_t limit) {
            if (limit != 0)
                say(state, Level::Info, "Increased %s limit to %llu", name,
                    static_cast<unsigned long long>(limit));
        };
        increased("RLIMIT_NOFILE", raised.files);
        increased("RLIMIT_NPROC", raised.processes);
    }
}

void write_server_lines(const State& state) {
    const SpawnerImage& image = state.table.boot();
    for (bool unix_turn : {false, true}) {
        for (std::uint32_t id = 0; id < state.listener_count; ++id) {
            const ListenerRec& rec = image.listener(id);
            if ((rec.address.family == AF_UNIX) != unix_turn) continue;
            for (std::uint32_t i = 0; i < image.tables().namespaces.count; ++i)
                say(state, Level::Info, "RPC interface %s initialized",
                    quote(image.c_str(image.rpc_namespace(i))).text);
            if (rec.authenticated == 0) {
                say(state, Level::Critical, "Server %s running without any HTTP authentication checking",
                    quote(image.c_str(rec.section)).text);
            }
        }
    }
}

// The whole environment of the parts.
void find_time_zone(State& state) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (std::strncmp(*entry, "TZ=", 3) == 0) state.time_zone[0] = *entry;
    }
}

// The kernel drops what is sent to process 1 and would end it. A container that is stopped while it starts
// shall end, too: these wait until take_signals().
void keep_early_signals() {
    if (::getpid() != 1) return;
    sigset_t ending;
    ::sigemptyset(&ending);
    for (int signo : {SIGTERM, SIGINT, SIGQUIT}) ::sigaddset(&ending, signo);
    ::sigprocmask(SIG_BLOCK, &ending, nullptr);
}

void take_signals(State& state) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, nullptr);
    ::sigaction(SIGXFSZ, &ignore, nullptr);
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (int signo : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
        ::sigaddset(&wanted, signo);
        ::sigaction(signo, &standard, nullptr);
    }
    ::sigprocmask(SIG_SETMASK, &wanted, nullptr);
    state.signals.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!state.signals.valid()) refuse_to_start(state, "signalfd: %s", std::strerror(errno));
}

// Splits off from the terminal. The parent waits until the child says that it runs, so that whoever starts a
// daemon finds it there. Answers the descriptor to say so on.
UniqueFd daemonize(State& state) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) refuse_to_start(state, "pipe: %s", std::strerror(errno));
    UniqueFd wait_end(ends[0]);
    UniqueFd say_end(ends[1]);
    pid_t pid = ::fork();
    if (pid < 0) refuse_to_start(state, "cannot fork: %s", std::strerror(errno));
    if (pid > 0) {
        say_end.reset();
        char byte = 0;
        while (::read(wait_end.get(), &byte, 1) < 0 && errno == EINTR) {
        }
        if (byte != 0) {
            say(state, Level::Blather, "supervisord forked; parent exiting");
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        ::_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
    }
    say(state, Level::Info, "daemonizing the supervisord process");
    const SpawnerImage& image = state.table.boot();
    if (const char* folder = image.c_str(image.daemon().directory)) {
        if (::chdir(folder) == 0) {
            say(state, Level::Info, "set current directory: %s", quote(folder).text);
        } else {
            const char* reason = std::strerror(errno);
            int error = errno;
            say(state, Level::Critical, "can't chdir into %s: [Errno %d] %s: %s", quote(folder).text, error,
                reason, quote(folder).text);
        }
    }
    UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd <= 2; ++fd) ::dup2(null.get(), fd);
    ::setsid();
    ::umask(image.daemon().umask & 0777);
    return say_end;
}

// A daemon whose parts are missing would only say so to a terminal that it has left.
void look_for_parts(State& state) {
    for (const Part* part : state.parts) {
        char path[2048];
        find_program(part->kind.binary, path, sizeof path);
        if (::access(path, X_OK) != 0)
            refuse_to_start(state, "cannot run %s: %s", path, std::strerror(errno));
    }
}

// Programs get what the reference would give them; the daemon itself takes all it may, for their pipes.
void take_descriptors(State& state) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    if (!state.resumed) {
        state.life.files_soft = files.rlim_cur;
        state.life.files_hard = files.rlim_max;
    }
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

void refuse_to_start(State& state, const char* format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    std::fprintf(stderr, "Error: %s\nFor help, use %s -h\n", text,
                 state.argc > 0 ? state.argv[0] : "supervisord");
    // At a restart nobody sees stderr, and the log is this daemon's anyway.
    if (state.resumed) say(state, Level::Critical, "the restart fails: %s", text);
    remove_sockets(state);
    std::exit(2);
}

void start_up(State& state) {
    secure_standard_descriptors(state);
    // Whoever started us may have ignored it, and then nothing could be waited for.
    ::signal(SIGCHLD, SIG_DFL);
    keep_early_signals();
    inherit(state);
    note_inherited(state);
    if (state.life.start_directory < 0)
        state.life.start_directory = ::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!state.table.open()) refuse_to_start(state, "cannot reserve memory: %s", std::strerror(errno));
    ::tzset();
    find_time_zone(state);

    read_configuration(state);
    const DaemonRec& daemon = state.table.boot().daemon();
    // A restart changes nothing about this, whatever the configuration says now.
    state.foreground = state.resumed ? state.life.daemonized == 0 : (daemon.flags & kDaemonNodaemon) != 0;
    state.life.daemonized = state.foreground ? 0 : 1;
    if (!state.resumed) look_for_parts(state);
    bool user_set = change_user(state);
    state.root = ::geteuid() == 0;
    Raised raised = state.resumed ? Raised{} : raise_limits(state);
    take_descriptors(state);
    open_main_log(state);
    open_sockets(state);
    lock_pidfile(state);
    trim_capabilities(state);

    write_collected_lines(state, user_set, raised);
    write_server_lines(state);
    clean_up_auto_logs(state);
    take_signals(state);
    UniqueFd say_end;
    if (!state.foreground && !state.resumed) say_end = daemonize(state);
    write_pidfile(state);
    for (std::uint32_t id = 0; id < state.listener_count; ++id) watch_socket(state, id);
    make_empty_directory(state);
    for (Part* part : state.parts) start_part(state, *part);
    if (say_end.valid()) {
        [[maybe_unused]] ssize_t written = ::write(say_end.get(), "1", 1);
    }
}

}  // namespace reeve
