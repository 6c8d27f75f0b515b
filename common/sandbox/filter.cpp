// The system-call filters: an allowlist for each part, made with libseccomp. Whatever is not listed ends the
// process with SIGSYS; nothing here opens, creates, connects, executes, forks, traces or changes identity.
//
// A few calls answer an error instead of killing: those that libraries make only to look around and that they
// can do without. Calls that become harmful by an argument are listed with the argument that is meant.
#include "common/sandbox/filter.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace reeve {
namespace {

constexpr unsigned kEngine = 1;
constexpr unsigned kRpc = 2;
constexpr unsigned kLog = 4;
constexpr unsigned kAll = kEngine | kRpc | kLog;

struct Allowed {
    int call;
    unsigned parts;
};
constexpr Allowed kAllowed[] = {
    // waiting: libevent, and poll for a single descriptor
    {SCMP_SYS(epoll_wait), kAll},
    {SCMP_SYS(epoll_pwait), kAll},
    {SCMP_SYS(epoll_pwait2), kAll},
    {SCMP_SYS(epoll_ctl), kAll},
    {SCMP_SYS(poll), kAll},
    {SCMP_SYS(ppoll), kAll},
    {SCMP_SYS(timerfd_settime), kAll},
    {SCMP_SYS(nanosleep), kAll},
    {SCMP_SYS(clock_nanosleep), kAll},
    {SCMP_SYS(restart_syscall), kAll},
    // descriptors that the part holds already
    {SCMP_SYS(read), kAll},
    {SCMP_SYS(readv), kAll},
    {SCMP_SYS(pread64), kAll},
    {SCMP_SYS(preadv), kAll},
    {SCMP_SYS(write), kAll},
    {SCMP_SYS(writev), kAll},
    {SCMP_SYS(close), kAll},
    {SCMP_SYS(fstat), kAll},
    {SCMP_SYS(lseek), kAll},
    {SCMP_SYS(dup), kAll},
    {SCMP_SYS(recvmsg), kAll},
    {SCMP_SYS(recvfrom), kAll},
    // memory, time, chance, identity, the end
    {SCMP_SYS(brk), kAll},
    {SCMP_SYS(munmap), kAll},
    {SCMP_SYS(mremap), kAll},
    {SCMP_SYS(madvise), kAll},
    {SCMP_SYS(futex), kAll},
    {SCMP_SYS(clock_gettime), kAll},
    {SCMP_SYS(clock_getres), kAll},
    {SCMP_SYS(gettimeofday), kAll},
    {SCMP_SYS(time), kAll},
    {SCMP_SYS(getrandom), kAll},
    {SCMP_SYS(getpid), kAll},
    {SCMP_SYS(gettid), kAll},
    {SCMP_SYS(getuid), kAll},
    {SCMP_SYS(geteuid), kAll},
    {SCMP_SYS(getgid), kAll},
    {SCMP_SYS(getegid), kAll},
    {SCMP_SYS(rt_sigaction), kAll},
    {SCMP_SYS(rt_sigprocmask), kAll},
    {SCMP_SYS(rt_sigreturn), kAll},
    {SCMP_SYS(exit), kAll},
    {SCMP_SYS(exit_group), kAll},
    // the front: clients of listening sockets that it was given
    {SCMP_SYS(accept4), kRpc},
    {SCMP_SYS(accept), kRpc},
    {SCMP_SYS(getpeername), kRpc},
    {SCMP_SYS(getsockname), kRpc},
    {SCMP_SYS(getsockopt), kRpc},
    // the log writer: files and pipes that it was given
    {SCMP_SYS(splice), kLog},
    {SCMP_SYS(tee), kLog},
    {SCMP_SYS(pwrite64), kLog},
    {SCMP_SYS(pwritev), kLog},
    {SCMP_SYS(ftruncate), kLog},
};

// Allowed if one argument, of which only the bits of the mask count, has the given value.
struct AllowedIf {
    int call;
    unsigned parts;
    unsigned argument;
    std::uint64_t mask;
    std::uint64_t value;
};
constexpr std::uint64_t kWhole = ~std::uint64_t{0};
constexpr AllowedIf kAllowedIf[] = {
    // no memory that can be executed
    {SCMP_SYS(mmap), kAll, 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), kAll, 2, PROT_EXEC, 0},
    // glibc's fstat: an empty path and the descriptor itself
    {SCMP_SYS(newfstatat), kAll, 3, AT_EMPTY_PATH, AT_EMPTY_PATH},
    {SCMP_SYS(fcntl), kAll, 1, kWhole, F_GETFL},
    {SCMP_SYS(fcntl), kAll, 1, kWhole, F_SETFL},
    {SCMP_SYS(fcntl), kAll, 1, kWhole, F_GETFD},
    {SCMP_SYS(fcntl), kAll, 1, kWhole, F_SETFD},
    {SCMP_SYS(fcntl), kAll, 1, kWhole, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), kEngine, 1, kWhole, F_GET_SEALS},
    {SCMP_SYS(fcntl), kLog, 1, kWhole, F_GETPIPE_SZ},
    {SCMP_SYS(fcntl), kLog, 1, kWhole, F_SETPIPE_SZ},
    {SCMP_SYS(ioctl), kAll, 1, kWhole, FIONREAD},
    // send(2): only to where the socket is connected. sendmsg(2) could name another place (with MSG_FASTOPEN it
    // even connects), and hand descriptors to whoever is at the other end; parts send with writev(2)
    {SCMP_SYS(sendto), kAll, 4, kWhole, 0},
    // the end of what is sent to a client. For a listening socket, which the spawner has as well and can only
    // make anew at a start, any other way would be the end, and the beginning of a socket that can connect
    {SCMP_SYS(shutdown), kRpc, 1, 0xFFFFFFFF, SHUT_WR},
    // looking at limits, never changing them
    {SCMP_SYS(prlimit64), kAll, 2, kWhole, 0},
};

// Answered with an error, because a library asks and goes on without.
struct Refused {
    int call;
    int error;
};
constexpr Refused kRefused[] = {
    {SCMP_SYS(uname), EPERM},
    {SCMP_SYS(sysinfo), EPERM},
    {SCMP_SYS(readlink), EACCES},
    {SCMP_SYS(readlinkat), EACCES},
    {SCMP_SYS(access), EACCES},
    {SCMP_SYS(faccessat), EACCES},
    {SCMP_SYS(faccessat2), EACCES},
    {SCMP_SYS(statx), ENOSYS},
    {SCMP_SYS(prctl), EPERM},
    {SCMP_SYS(sched_yield), EPERM},
    {SCMP_SYS(sched_getaffinity), EPERM},
};

class Filter {
  public:
    explicit Filter(std::uint32_t otherwise) : context_(seccomp_init(otherwise)) {
        if (context_ == nullptr) error_ = ENOMEM;
    }
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    ~Filter() {
        if (context_ != nullptr) seccomp_release(context_);
    }
    void attribute(scmp_filter_attr attribute, std::uint32_t value) {
        if (error_ == 0) error_ = -seccomp_attr_set(context_, attribute, value);
    }
    void add(std::uint32_t action, int call) {
        if (error_ == 0) error_ = -seccomp_rule_add_array(context_, action, call, 0, nullptr);
    }
    template <typename... Conditions>
    void add(std::uint32_t action, int call, Conditions... conditions) {
        const scmp_arg_cmp all[] = {conditions...};
        if (error_ == 0) error_ = -seccomp_rule_add_array(context_, action, call, sizeof...(conditions), all);
    }
    int load() {
        if (error_ == 0) error_ = -seccomp_load(context_);
        return error_;
    }

  private:
    scmp_filter_ctx context_;
    int error_ = 0;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t mask, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

}  // namespace

int load_filter(SandboxPart part) {
    const unsigned self = part == SandboxPart::Engine ? kEngine : part == SandboxPart::Rpc ? kRpc : kLog;
    Filter filter(SCMP_ACT_KILL_PROCESS);
    // Calls by another architecture's numbers would pass by all the rules.
    filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (const Allowed& row : kAllowed) {
        if ((row.parts & self) != 0) filter.add(SCMP_ACT_ALLOW, row.call);
    }
    for (const AllowedIf& row : kAllowedIf) {
        if ((row.parts & self) != 0)
            filter.add(SCMP_ACT_ALLOW, row.call, equals(row.argument, row.mask, row.value));
    }
    for (const Refused& row : kRefused) {
        filter.add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(row.error)), row.call);
    }
    // stdio asks whether its descriptor is a terminal.
    filter.add(SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), equals(1, kWhole, TCGETS));
    // A path: whoever asks by path is told that there is nothing.
    filter.add(SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(newfstatat), equals(3, AT_EMPTY_PATH, 0));
    // One option of clients, and no other: some of them load code into the kernel.
    if (part == SandboxPart::Rpc) {
        filter.add(SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), equals(1, kWhole, IPPROTO_TCP),
                   equals(2, kWhole, TCP_NODELAY));
    }
    // abort() raises a signal in its own process and in no other.
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), equals(0, kWhole, static_cast<std::uint64_t>(::getpid())));
    // getnameinfo() wants a datagram socket to name the interface of a link-local client, and prints its
    // number if it gets none. Such a client must not be able to end the front.
    if (part == SandboxPart::Rpc)
        filter.add(SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), equals(1, 0xF, SOCK_DGRAM));
    return filter.load();
}

}  // namespace reeve
