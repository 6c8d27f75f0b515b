// Tries to break out of the real sandbox. Each attempt is a process of its own that enters the sandbox of a
// part as that part does and then makes one forbidden call; it must be killed by the filter or be refused.
// The calls that a part lives on are tried as well: they must go on working. At the end every number of the
// kernel's table that is not in the list below is called, and must kill.
//
// Started as root it first becomes `nobody` in the way the spawner makes a part; started by an ordinary user
// there is no empty root directory, and all the rest is the same. Prints one line for each attempt that went
// wrong, and at the end "N passed, N failed, 0 skipped".
#include <arpa/inet.h>
#include <cap-ng.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/channel.hpp"
#include "common/sandbox/enter.hpp"

namespace {

using reeve::SandboxPart;
using reeve::UniqueFd;

enum class Expect { Killed, Refused, Works };

// What the parts are born with, made before the sandbox is entered.
struct Belongings {
    int pipe[2] = {-1, -1};
    int file = -1;
    int file_shared = -1;
    int listening = -1;
    int client = -1;
    int datagram = -1;
    int memfd = -1;
    UniqueFd one, other;
    event_base* base = nullptr;
};

bool is_refusal(bool failed) { return failed && (errno == EACCES || errno == EPERM || errno == ENOENT); }

struct Attempt {
    const char* name;
    Expect expect;
    unsigned parts;              // 1 engine, 2 front, 4 log writer
    bool (*act)(Belongings& b);  // Refused: true if it was refused; Works: true if it worked
};

bool getnameinfo_of_link_local(Belongings&) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, "fe80::1", &address.sin6_addr);
    address.sin6_scope_id = 1;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    return ::getnameinfo(reinterpret_cast<sockaddr*>(&address), sizeof address, host, sizeof host, port,
                         sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

bool event_loop_turns(Belongings& b) {
    int seen = 0;
    auto count = [](int, short, void* seen_by) { ++*static_cast<int*>(seen_by); };
    event* readable = ::event_new(b.base, b.pipe[0], EV_READ, count, &seen);
    event* timer = ::event_new(b.base, -1, EV_TIMEOUT, count, &seen);
    timeval soon{0, 1000};
    ::event_add(readable, nullptr);
    ::event_add(timer, &soon);
    if (::write(b.pipe[1], "x", 1) != 1) return false;
    ::event_base_dispatch(b.base);
    ::event_free(readable);
    ::event_free(timer);
    return seen == 2;
}

bool throws_and_allocates(Belongings&) {
    try {
        std::vector<std::string> many(1000, std::string(100'000, 'x'));
        if (many.size() == 1000) throw many;
    } catch (const std::vector<std::string>& caught) {
        return caught.back().size() == 100'000;
    }
    return false;
}

bool local_time(Belongings&) {
    time_t now = ::time(nullptr);
    tm local{};
    return ::localtime_r(&now, &local) != nullptr && ::gmtime_r(&now, &local) != nullptr;
}

// The descriptor was sent before the sandbox was entered.
bool channel_brings_a_descriptor(Belongings& b) {
    using namespace reeve;
    Channel channel(static_cast<UniqueFd&&>(b.other), Edge::ES, Edge::SE);
    static ReceiveBuffer buffer;
    Received got;
    return channel.receive(buffer, got) == Receive::Message && got.fd_count == 1 &&
           channel.send(Msg::READY, 0, Empty{}) == Send::Sent;
}

bool raw(long call, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
    return ::syscall(call, a, b, c, d, e) >= 0;
}
long pointer(const void* p) { return reinterpret_cast<long>(p); }

constexpr unsigned kAll = 7, kEngine = 1, kRpc = 2, kLog = 4;
const Attempt kAttempts[] = {
    // files
    {"open", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_open, pointer("/etc/passwd"), O_RDONLY); }},
    {"openat", Expect::Killed, kAll, [](Belongings&) { return ::open("/etc/passwd", O_RDONLY) >= 0; }},
    {"openat, creating", Expect::Killed, kAll,
     [](Belongings&) { return ::open("x", O_WRONLY | O_CREAT, 0600) >= 0; }},
    {"open through a directory", Expect::Killed, kAll,
     [](Belongings&) { return ::openat(4, ".", O_RDONLY) >= 0; }},
    {"unlink", Expect::Killed, kAll, [](Belongings&) { return ::unlink("/tmp/x") == 0; }},
    {"rename", Expect::Killed, kAll, [](Belongings&) { return ::rename("/tmp/x", "/tmp/y") == 0; }},
    {"mkdir", Expect::Killed, kAll, [](Belongings&) { return ::mkdir("/tmp/x", 0700) == 0; }},
    {"chdir", Expect::Killed, kAll, [](Belongings&) { return ::chdir("/") == 0; }},
    {"chroot", Expect::Killed, kAll, [](Belongings&) { return ::chroot("/") == 0; }},
    {"fchmod", Expect::Killed, kAll, [](Belongings& b) { return ::fchmod(b.file, 0777) == 0; }},
    {"mount", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_mount, 0, 0, 0); }},
    {"io_uring_setup", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_io_uring_setup, 1, 0); }},
    {"stat of a path", Expect::Refused, kAll,
     [](Belongings&) {
         struct stat status {};
         return is_refusal(::stat("/etc/passwd", &status) != 0);
     }},
    {"readlink", Expect::Refused, kAll,
     [](Belongings&) {
         char text[8];
         return is_refusal(::readlink("/proc/self/exe", text, sizeof text) < 0);
     }},
    {"openat2", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_openat2, AT_FDCWD, pointer("/"), 0, 0); }},
    {"link", Expect::Killed, kAll, [](Belongings&) { return ::link("/etc/passwd", "/tmp/x") == 0; }},
    {"symlink", Expect::Killed, kAll, [](Belongings&) { return ::symlink("/etc/passwd", "/tmp/x") == 0; }},
    {"mknod", Expect::Killed, kAll, [](Belongings&) { return ::mknod("/tmp/x", S_IFIFO | 0600, 0) == 0; }},
    {"truncate", Expect::Killed, kAll, [](Belongings&) { return ::truncate("/etc/passwd", 0) == 0; }},
    {"fchown", Expect::Killed, kAll, [](Belongings& b) { return ::fchown(b.file, 0, 0) == 0; }},
    {"reading a directory", Expect::Killed, kAll,
     [](Belongings&) {
         char entries[256];
         return raw(SYS_getdents64, 4, pointer(entries), sizeof entries);
     }},
    {"umount", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_umount2, pointer("/"), 2); }},
    {"pivot_root", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_pivot_root, 0, 0); }},
    // network
    {"socket, TCP", Expect::Killed, kAll, [](Belongings&) { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
    {"socket, raw", Expect::Killed, kAll, [](Belongings&) { return ::socket(AF_INET, SOCK_RAW, 1) >= 0; }},
    {"socket, UDP", Expect::Killed, kEngine | kLog,
     [](Belongings&) { return ::socket(AF_INET, SOCK_DGRAM, 0) >= 0; }},
    {"socket, UDP", Expect::Refused, kRpc,
     [](Belongings&) { return is_refusal(::socket(AF_INET, SOCK_DGRAM, 0) < 0); }},
    {"socketpair", Expect::Killed, kAll,
     [](Belongings&) {
         int ends[2];
         return ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
     }},
    {"connect", Expect::Killed, kAll,
     [](Belongings& b) {
         sockaddr address{AF_UNIX, "/x"};
         return ::connect(b.datagram, &address, sizeof address) == 0;
     }},
    {"bind", Expect::Killed, kAll,
     [](Belongings& b) {
         sockaddr address{AF_UNIX, ""};
         return ::bind(b.datagram, &address, sizeof(sa_family_t)) == 0;
     }},
    {"listen", Expect::Killed, kAll, [](Belongings& b) { return ::listen(b.listening, 5) == 0; }},
    {"sendto with an address", Expect::Killed, kAll,
     [](Belongings& b) {
         sockaddr address{AF_UNIX, "/x"};
         return ::sendto(b.datagram, "x", 1, 0, &address, sizeof address) == 1;
     }},
    {"sendmsg with an address", Expect::Killed, kAll,
     [](Belongings& b) {
         sockaddr address{AF_UNIX, ""};
         char byte = 'x';
         iovec part{&byte, 1};
         msghdr message{};
         message.msg_name = &address;
         message.msg_namelen = sizeof address;
         message.msg_iov = &part;
         message.msg_iovlen = 1;
         return ::sendmsg(b.datagram, &message, 0) == 1;
     }},
    {"handing on a descriptor", Expect::Killed, kAll,
     [](Belongings& b) {
         int fds[] = {b.listening};
         reeve::Channel channel(static_cast<UniqueFd&&>(b.one), reeve::Edge::SE, reeve::Edge::ES);
         return channel.send(reeve::Msg::PEER, 0, reeve::PeerBody{reeve::Role::Log}, {}, fds) ==
                reeve::Send::Sent;
     }},
    {"the end of a listening socket", Expect::Killed, kAll,
     [](Belongings& b) { return ::shutdown(b.listening, SHUT_RD) == 0; }},
    {"the end of a listening socket, both ways", Expect::Killed, kAll,
     [](Belongings& b) { return ::shutdown(b.listening, SHUT_RDWR) == 0; }},
    {"shutdown", Expect::Killed, kEngine | kLog,
     [](Belongings& b) { return ::shutdown(b.client, SHUT_WR) == 0; }},
    {"accept", Expect::Killed, kEngine | kLog,
     [](Belongings& b) { return ::accept(b.listening, nullptr, nullptr) >= 0; }},
    // processes
    {"execve", Expect::Killed, kAll, [](Belongings&) { return ::execl("/bin/true", "true", nullptr) == 0; }},
    {"execveat", Expect::Killed, kAll,
     [](Belongings& b) { return raw(SYS_execveat, b.memfd, pointer(""), 0, 0, AT_EMPTY_PATH); }},
    {"fork", Expect::Killed, kAll, [](Belongings&) { return ::fork() >= 0; }},
    {"clone3", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_clone3, 0, 0); }},
    {"vfork", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_vfork); }},
    {"ptrace", Expect::Killed, kAll,
     [](Belongings&) { return ::ptrace(PTRACE_ATTACH, ::getppid(), 0, 0) == 0; }},
    {"process_vm_readv", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_process_vm_readv, 1, 0, 0, 0, 0); }},
    {"process_vm_writev", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_process_vm_writev, ::getppid(), 0, 0, 0, 0); }},
    {"pidfd_getfd", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_pidfd_getfd, 0, 0, 0); }},
    {"clone with shared memory", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0); }},
    {"a thread", Expect::Killed, kAll,
     [](Belongings&) {
         pthread_t thread;
         return ::pthread_create(
                    &thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr) == 0;
     }},
    {"kill of itself", Expect::Killed, kAll, [](Belongings&) { return ::kill(::getpid(), 0) == 0; }},
    {"kill of all", Expect::Killed, kAll, [](Belongings&) { return ::kill(-1, 0) == 0; }},
    {"sigqueue", Expect::Killed, kAll, [](Belongings&) { return ::sigqueue(::getppid(), 0, sigval{}) == 0; }},
    {"setpgid", Expect::Killed, kAll, [](Belongings&) { return ::setpgid(0, 0) == 0; }},
    {"pidfd_open", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_pidfd_open, 1, 0); }},
    {"kill of another", Expect::Killed, kAll, [](Belongings&) { return ::kill(1, 0) == 0; }},
    {"tgkill of another", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_tgkill, 1, 1, 0); }},
    // identity and privileges
    {"setuid", Expect::Killed, kAll, [](Belongings&) { return ::setuid(0) == 0; }},
    {"setresuid", Expect::Killed, kAll, [](Belongings&) { return ::setresuid(0, 0, 0) == 0; }},
    {"setgid", Expect::Killed, kAll, [](Belongings&) { return ::setgid(0) == 0; }},
    {"setgroups", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_setgroups, 0, 0); }},
    {"capset", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_capset, 0, 0); }},
    {"unshare", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_unshare, 0x10000000); }},
    {"setns", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_setns, 0, 0); }},
    {"seccomp", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_seccomp, 0, 0, 0); }},
    {"bpf", Expect::Killed, kAll, [](Belongings&) { return raw(SYS_bpf, 0, 0, 0); }},
    {"prctl", Expect::Refused, kAll,
     [](Belongings&) { return is_refusal(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0); }},
    {"prctl, no_new_privs off", Expect::Refused, kAll,
     [](Belongings&) { return is_refusal(::prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0); }},
    {"prctl, another filter", Expect::Refused, kAll,
     [](Belongings&) { return is_refusal(::prctl(PR_SET_SECCOMP, 2, 0, 0, 0) != 0); }},
    {"prctl, ambient capability", Expect::Refused, kAll,
     [](Belongings&) { return is_refusal(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0) != 0); }},
    {"prctl, another name", Expect::Refused, kAll,
     [](Belongings&) { return is_refusal(::prctl(PR_SET_NAME, "supervisord", 0, 0, 0) != 0); }},
    {"changing a limit", Expect::Killed, kAll,
     [](Belongings&) {
         rlimit limit{1, 1};
         return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
     }},
    // code
    {"executable mmap", Expect::Killed, kAll,
     [](Belongings&) {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                MAP_FAILED;
     }},
    {"executable mprotect", Expect::Killed, kAll,
     [](Belongings&) {
         void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
     }},
    {"executable mmap of a file", Expect::Killed, kAll,
     [](Belongings& b) { return ::mmap(nullptr, 4096, PROT_EXEC, MAP_PRIVATE, b.file, 0) != MAP_FAILED; }},
    {"pkey_mprotect", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_pkey_mprotect, 0, 4096, PROT_EXEC, -1); }},
    {"personality", Expect::Killed, kAll,
     [](Belongings&) { return raw(SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */); }},
    {"more memory than there may be", Expect::Refused, kAll,
     [](Belongings&) {
         for (int kind : {MAP_PRIVATE, MAP_SHARED}) {
             void* much = ::mmap(nullptr, std::size_t{3} << 30, PROT_READ | PROT_WRITE,
                                 kind | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
             if (much != MAP_FAILED || errno != ENOMEM) return false;
         }
         return true;
     }},
    {"memfd_create", Expect::Killed, kAll, [](Belongings&) { return ::memfd_create("x", 0) >= 0; }},
    {"TIOCSTI", Expect::Killed, kAll, [](Belongings&) { return ::ioctl(0, TIOCSTI, "x") == 0; }},
    {"F_SETOWN", Expect::Killed, kAll, [](Belongings& b) { return ::fcntl(b.pipe[0], F_SETOWN, 1) == 0; }},
    // what belongs to another part
    {"splice", Expect::Killed, kEngine | kRpc,
     [](Belongings& b) { return ::splice(b.pipe[0], nullptr, b.file, nullptr, 1, 0) == 1; }},
    {"F_SETPIPE_SZ", Expect::Killed, kEngine | kRpc,
     [](Belongings& b) { return ::fcntl(b.pipe[0], F_SETPIPE_SZ, 4096) == 4096; }},
    {"pwrite", Expect::Killed, kEngine | kRpc,
     [](Belongings& b) { return ::pwrite(b.file, "x", 1, 0) == 1; }},
    {"setsockopt with code for the kernel", Expect::Killed, kAll,
     [](Belongings& b) {
         sock_fprog none{};
         return ::setsockopt(b.client, SOL_SOCKET, SO_ATTACH_FILTER, &none, sizeof none) == 0;
     }},
    {"setsockopt", Expect::Killed, kAll,
     [](Belongings& b) {
         int on = 1;
         return ::setsockopt(b.client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0;
     }},
    {"another option of TCP", Expect::Killed, kAll,
     [](Belongings& b) { return ::setsockopt(b.client, IPPROTO_TCP, TCP_ULP, "tls", 4) == 0; }},
    {"making a file grow", Expect::Refused, kEngine | kRpc,
     [](Belongings& b) {
         struct stat status {};
         if (::fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode))
             return true;  // it is to be heard
         ::signal(SIGXFSZ, SIG_IGN);
         return ::lseek(b.file, 0, SEEK_END) == 1 && ::write(b.file, "x", 1) < 0 && errno == EFBIG;
     }},
    // what must work
    {"the event loop", Expect::Works, kAll, event_loop_turns},
    {"memory and exceptions", Expect::Works, kAll, throws_and_allocates},
    {"local time", Expect::Works, kAll, local_time},
    {"a channel", Expect::Works, kAll, channel_brings_a_descriptor},
    {"stdio", Expect::Works, kAll, [](Belongings&) { return std::fprintf(stderr, "%s", "") >= 0; }},
    {"abort() is SIGABRT", Expect::Works, kAll,
     [](Belongings&) {
         ::signal(SIGABRT, [](int) { ::_exit(0); });
         std::abort();
         return false;
     }},
    {"reading by offset", Expect::Works, kAll,
     [](Belongings& b) {
         char byte = 0;
         struct stat status {};
         return ::fstat(b.file, &status) == 0 && ::pread(b.file, &byte, 1, 0) == 1 && byte == 'f';
     }},
    {"a view in a memfd", Expect::Works, kEngine,
     [](Belongings& b) {
         return ::fcntl(b.memfd, F_GET_SEALS) >= 0 &&
                ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, b.memfd, 0) != MAP_FAILED;
     }},
    {"a client", Expect::Works, kRpc,
     [](Belongings& b) {
         ucred peer{};
         socklen_t size = sizeof peer;
         int on = 1;
         int client = ::accept4(b.listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
         return client >= 0 && ::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
                ::setsockopt(b.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                ::shutdown(client, SHUT_WR) == 0;
     }},
    {"the name of a link-local client", Expect::Works, kRpc, getnameinfo_of_link_local},
    {"pipe to file", Expect::Works, kLog,
     [](Belongings& b) {
         loff_t end = 1;
         return ::fcntl(b.pipe[0], F_GETPIPE_SZ) > 0 && ::fcntl(b.pipe[0], F_SETPIPE_SZ, 65536) == 65536 &&
                ::write(b.pipe[1], "abc", 3) == 3 && ::splice(b.pipe[0], nullptr, b.file, &end, 2, 0) == 2 &&
                ::pwrite(b.file, "z", 1, 3) == 1 && ::write(b.file_shared, "z", 1) == 1;
     }},
    {"the system logger", Expect::Works, kLog,
     [](Belongings& b) { return ::send(b.datagram, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1; }},
};

// Every call that a part may make at all, written down a second time: whatever else there is must kill.
// Those with a condition on an argument, and those that are refused with an error, are among them.
struct Known {
    int call;
    unsigned parts;
};
constexpr Known kKnown[] = {
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
    {SCMP_SYS(accept4), kRpc},
    {SCMP_SYS(accept), kRpc},
    {SCMP_SYS(getpeername), kRpc},
    {SCMP_SYS(getsockname), kRpc},
    {SCMP_SYS(getsockopt), kRpc},
    {SCMP_SYS(splice), kLog},
    {SCMP_SYS(tee), kLog},
    {SCMP_SYS(pwrite64), kLog},
    {SCMP_SYS(pwritev), kLog},
    {SCMP_SYS(ftruncate), kLog},
    // on a condition
    {SCMP_SYS(mmap), kAll},
    {SCMP_SYS(mprotect), kAll},
    {SCMP_SYS(newfstatat), kAll},
    {SCMP_SYS(fcntl), kAll},
    {SCMP_SYS(ioctl), kAll},
    {SCMP_SYS(sendto), kAll},
    {SCMP_SYS(setsockopt), kRpc},
    {SCMP_SYS(shutdown), kRpc},
    {SCMP_SYS(prlimit64), kAll},
    {SCMP_SYS(tgkill), kAll},
    {SCMP_SYS(socket), kRpc},
    // refused
    {SCMP_SYS(uname), kAll},
    {SCMP_SYS(sysinfo), kAll},
    {SCMP_SYS(readlink), kAll},
    {SCMP_SYS(readlinkat), kAll},
    {SCMP_SYS(access), kAll},
    {SCMP_SYS(faccessat), kAll},
    {SCMP_SYS(faccessat2), kAll},
    {SCMP_SYS(statx), kAll},
    {SCMP_SYS(prctl), kAll},
    {SCMP_SYS(sched_yield), kAll},
    {SCMP_SYS(sched_getaffinity), kAll},
};
// Entries for traps that the kernel itself has put into a program. No filter sees them, and without such a
// trap they do nothing.
#ifdef __x86_64__
constexpr int kTraps[] = {335, 336};
#endif
constexpr int kLastCall = 470;           // beyond the newest call of Linux 6.18
constexpr int kOtherTable = 0x40000000;  // x86-64: the numbers of the x32 table

bool is_known(int call, unsigned part) {
#ifdef __x86_64__
    for (int trap : kTraps) {
        if (trap == call) return true;
    }
#endif
    for (const Known& row : kKnown) {
        if (row.call == call) return (row.parts & part) != 0;
    }
    return false;
}

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    ::_exit(99);
}

void make_belongings(Belongings& b, int& far_end) {
    int pair[2];
    char path[] = "/tmp/reeve-probe-XXXXXX";
    b.file = ::mkostemp(path, O_CLOEXEC);
    if (b.file < 0) give_up("mkostemp");
    b.file_shared = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    ::unlink(path);
    if (::write(b.file, "f", 1) != 1 || ::pipe2(b.pipe, O_CLOEXEC) != 0) give_up("pipe2");
    if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) give_up("socketpair");
    b.datagram = pair[0];
    far_end = pair[1];
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    b.listening = ::socket(AF_INET, SOCK_STREAM, 0);
    b.client = ::socket(AF_INET, SOCK_STREAM, 0);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(b.listening, generic, size) != 0 || ::listen(b.listening, 5) != 0 ||
        ::getsockname(b.listening, generic, &size) != 0 || ::connect(b.client, generic, size) != 0)
        give_up("loopback");
    // The front's sockets: a local one tells who the client is.
    sockaddr local{AF_UNIX, ""};
    int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_storage bound{};
    socklen_t bound_size = sizeof bound;
    int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::bind(listening, &local, sizeof(sa_family_t)) != 0 || ::listen(listening, 5) != 0 ||
        ::getsockname(listening, reinterpret_cast<sockaddr*>(&bound), &bound_size) != 0 ||
        ::connect(client, reinterpret_cast<sockaddr*>(&bound), bound_size) != 0)
        give_up("unix socket");
    ::close(b.listening);
    b.listening = listening;
    b.memfd = ::memfd_create("view", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (b.memfd < 0 || ::ftruncate(b.memfd, 4096) != 0) give_up("memfd");
    if (!reeve::make_channel_pair(b.one, b.other)) give_up("channel");
    reeve::Channel sender(UniqueFd(::dup(b.one.get())), reeve::Edge::SE, reeve::Edge::ES);
    if (sender.send(reeve::Msg::PEER, 0, reeve::PeerBody{reeve::Role::Log}, {}, {b.pipe, 1}) !=
        reeve::Send::Sent)
        give_up("sending a descriptor");
}

// What a spawner might forget, and the word by which the part must refuse to go on.
struct Forgotten {
    const char* what;  // "": nothing
    const char* refusal;
};
constexpr Forgotten kForgotten[] = {{"user", "it still runs as root"},
                                    {"group", "it still runs as root"},
                                    {"supplementary groups", "groups are left"},
                                    {"bounding set", "the bounding set is not empty"},
                                    {"capability for chroot", "chroot"}};

// As the spawner makes a part: an empty, removed directory as descriptor 4, no groups, one capability.
void become_a_part(std::string_view forgotten = "") {
    if (::geteuid() != 0) return;
    char path[] = "/tmp/reeve-probe-XXXXXX";
    if (::mkdtemp(path) == nullptr) give_up("mkdtemp");
    ::chmod(path, 0755);
    int directory = ::open(path, O_RDONLY | O_DIRECTORY);
    ::rmdir(path);
    if (directory < 0 || ::dup2(directory, reeve::kPartRootFd) < 0) give_up("empty directory");
    const passwd* nobody = ::getpwnam("nobody");
    if (nobody == nullptr) give_up("nobody");
    ::capng_clear(CAPNG_SELECT_ALL);
    if (forgotten != "capability for chroot")
        ::capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                       CAP_SYS_CHROOT);
    int uid = forgotten == "user" ? -1 : static_cast<int>(nobody->pw_uid);
    int gid = forgotten == "group" ? -1 : static_cast<int>(nobody->pw_gid);
    int flags = CAPNG_DROP_SUPP_GRP;
    if (forgotten == "supplementary groups") {
        const gid_t groups[] = {1, 2};
        if (::setgroups(2, groups) != 0) give_up("setgroups");
        flags = CAPNG_NO_FLAG;
    }
    if (forgotten != "bounding set") flags |= CAPNG_CLEAR_BOUNDING;
    int changed = ::capng_change_id(uid, gid, static_cast<capng_flags_t>(flags));
    if (changed != 0) give_up("capng_change_id");
}

const char* name_of(SandboxPart part) {
    return part == SandboxPart::Engine ? "engine" : part == SandboxPart::Rpc ? "front" : "log writer";
}

unsigned bit_of(SandboxPart part) {
    return part == SandboxPart::Engine ? kEngine : part == SandboxPart::Rpc ? kRpc : kLog;
}

// Runs a function in a process of its own, and answers its status.
template <typename Body>
int in_a_process(Body body) {
    std::fflush(stdout);
    pid_t pid = ::fork();
    if (pid < 0) give_up("fork");
    if (pid == 0) {
        rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        ::_exit(body() ? 0 : 1);
    }
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) give_up("waitpid");
    return status;
}

// Status of the attempt's process; exit 0: it did what it was asked, 1: it was denied (or not refused).
int run(const Attempt& attempt, SandboxPart part) {
    return in_a_process([&] {
        if (::open("/dev/null", O_RDONLY) != 3) give_up("descriptor 3 was open");
        if (::dup2(3, 4) != 4) give_up("dup2");
        Belongings belongings;
        int far_end = -1;
        make_belongings(belongings, far_end);
        ::tzset();
        local_time(belongings);
        belongings.base = ::event_base_new();
        become_a_part();
        reeve::enter_sandbox(part);
        return attempt.act(belongings);
    });
}

// Whether a part of which the spawner has forgotten something ends, and says why.
bool refuses(SandboxPart part, const Forgotten& forgotten) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe2");
    int status = in_a_process([&] {
        ::dup2(ends[1], STDERR_FILENO);
        become_a_part(forgotten.what);
        reeve::enter_sandbox(part);
        return true;
    });
    ::close(ends[1]);
    char text[256] = "";
    ssize_t size = ::read(ends[0], text, sizeof text - 1);
    ::close(ends[0]);
    return WIFEXITED(status) && WEXITSTATUS(status) == 70 && size > 0 &&
           std::strstr(text, forgotten.refusal) != nullptr;
}

bool is_killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }

// Makes each call that is not in the list; answers how many have not been the end of their process.
int sweep(SandboxPart part, int& tried) {
    int survived = 0;
    for (int call = 0; call <= kLastCall; ++call) {
        int number = call;
#ifdef __x86_64__
        // Some by the number that they have in the other table.
        if (is_known(call, bit_of(part))) {
            if (call % 4 != 0) continue;
            number = call | kOtherTable;
        }
#else
        if (is_known(call, bit_of(part))) continue;
#endif
        int status = in_a_process([&] {
            ::close(reeve::kPartRootFd);
            become_a_part();
            reeve::enter_sandbox(part);
            return ::syscall(number, 0, 0, 0, 0, 0, 0) >= 0;
        });
        ++tried;
        if (is_killed(status)) continue;
        ++survived;
        char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);
        std::printf("failed  %s: call %d (%s) should be killed, but it ended with status 0x%04x\n",
                    name_of(part), number, name != nullptr ? name : "unknown", static_cast<unsigned>(status));
        std::free(name);
    }
    return survived;
}

#ifdef __x86_64__
// getpid by the 32-bit way in, which has other numbers. False if this kernel does not have it.
bool call_32_bit() {
    long answer = 20;
    asm volatile("int $0x80" : "+a"(answer) : : "memory");
    return answer == ::getpid();
}
#endif

bool as_expected(Expect expect, int status) {
    if (expect == Expect::Killed) return is_killed(status);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main() {
    for (int fd = 3; fd < 64; ++fd) ::close(fd);
    int passed = 0;
    int failed = 0;
    for (SandboxPart part : {SandboxPart::Engine, SandboxPart::Rpc, SandboxPart::Log}) {
        for (const Attempt& attempt : kAttempts) {
            if ((attempt.parts & bit_of(part)) == 0) continue;
            int status = run(attempt, part);
            if (as_expected(attempt.expect, status)) {
                ++passed;
                continue;
            }
            ++failed;
            const char* wanted = attempt.expect == Expect::Killed    ? "be killed"
                                 : attempt.expect == Expect::Refused ? "be refused"
                                                                     : "work";
            std::printf("failed  %s: %s should %s, but it ended with status 0x%04x\n", name_of(part),
                        attempt.name, wanted, static_cast<unsigned>(status));
        }
        for (const Forgotten& forgotten : kForgotten) {
            if (::geteuid() != 0) break;
            bool refused = refuses(part, forgotten);
            ++(refused ? passed : failed);
            if (!refused)
                std::printf("failed  %s: it goes on where the %s was forgotten\n", name_of(part),
                            forgotten.what);
        }
        int tried = 0;
        int survived = sweep(part, tried);
        passed += tried - survived;
        failed += survived;
#ifdef __x86_64__
        if (in_a_process(call_32_bit) != 0) continue;
        bool killed = is_killed(in_a_process([part] {
            become_a_part();
            reeve::enter_sandbox(part);
            return call_32_bit();
        }));
        ++(killed ? passed : failed);
        if (!killed) std::printf("failed  %s: a 32-bit call should be killed\n", name_of(part));
#endif
    }
    std::printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
