// supervisor-rpc, the front: HTTP, XML-RPC and the web pages. Unprivileged and shut in; everything it does
// for a client it asks of the engine, which checks the password each time.
//
// System calls it needs after enter_sandbox():
//   epoll_wait epoll_pwait epoll_ctl                                      (libevent)
//   accept4 getsockopt setsockopt(TCP_NODELAY) shutdown(SHUT_WR) fcntl(F_GETFL, F_SETFL) getpeername getsockname
//   recvmsg read readv write writev ioctl(FIONREAD) close
//   clock_gettime gettimeofday getpid gettid
//   brk mmap(private, anonymous) munmap mremap madvise mprotect futex getrandom
//   exit exit_group rt_sigreturn rt_sigprocmask rt_sigaction tgkill restart_syscall
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string>

#include "common/base/log_line.hpp"
#include "common/sandbox/enter.hpp"
#include "rpc/event_ptr.hpp"
#include "rpc/front.hpp"
#include "rpc/text.hpp"

namespace {

std::string random_token() {
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
        reeve::die("no random bytes");
    constexpr char kDigits[] = "0123456789abcdef";
    std::string token;
    for (const unsigned char byte : bytes) {
        token += kDigits[byte >> 4];
        token += kDigits[byte & 15];
    }
    return token;
}

std::string node_name() {
    utsname names{};
    return uname(&names) == 0 ? names.nodename : "";
}

}  // namespace

int main() {
    if (fcntl(reeve::kPartSpawnerFd, F_GETFD) < 0) {
        constexpr char kText[] = "supervisor-rpc is a part of supervisord and not to be started by hand\n";
        return write(STDERR_FILENO, kText, sizeof kText - 1) < 0 ? 71 : 70;
    }
    std::signal(SIGPIPE, SIG_IGN);

    // A large answer every now and then should not mean new memory from the system each time.
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);

    // Whatever opens files once must do so before the door is shut.
    tzset();
    reeve::local_time(std::time(nullptr));
    const std::string token = random_token();
    unsigned long salt = 0;
    if (getrandom(&salt, sizeof salt, 0) != static_cast<ssize_t>(sizeof salt)) reeve::die("no random bytes");
    const std::string node = node_name();
    event_base* base = event_base_new();
    if (base == nullptr) reeve::die("no event loop");
    reeve::enter_sandbox(reeve::SandboxPart::Rpc);

    reeve::guarded([&] {
        reeve::Front front(base, reeve::UniqueFd(reeve::kPartSpawnerFd), token, salt, node);
        event_base_dispatch(base);
    });
    // The system takes back what is left.
    _exit(0);
}
