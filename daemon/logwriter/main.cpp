// supervisor-log: reads what all programs write and writes all logs, without ever opening a path. Everything
// it holds came from the spawner as an open descriptor.
//
// It lives as long as descriptor 3, the channel to the spawner. Signals that a terminal or an administrator
// sends to the whole group are ignored: the last words of the programs come after them.
//
// System calls after the sandbox is entered, beyond memory, clock and signal return (the filter is
// common/sandbox/filter.cpp):
//   epoll_wait, epoll_ctl                  libevent
//   recvmsg, writev                        channels
//   splice, read, ioctl(FIONREAD)          pipes of programs, and the own pipe in front of a special target
//   fcntl(F_GETFL, F_SETFL)                O_NONBLOCK on read ends of pipes
//   newfstatat(AT_EMPTY_PATH) = fstat      size and links of a log just before a write
//   pwrite64, write                        logs, targets that are no files
//   poll, sendto without an address        terminals; sockets as targets and the system logger
//   pread64                                reading for clients
//   clock_nanosleep                        a moment for pipes to fill, 50 us
//   close, getpid, exit_group
#include <event2/event.h>
#include <signal.h>
#include <time.h>

#include <cstdio>
#include <memory>

#include "common/sandbox/enter.hpp"
#include "daemon/logwriter/log_writer.hpp"

namespace {

void be_quiet(int, const char*) {}

// localtime_r() reads the time zone's file once, and that must be before files are out of reach.
void warm_up() {
    ::tzset();
    time_t now = ::time(nullptr);
    tm local{};
    ::localtime_r(&now, &local);
    std::setvbuf(stderr, nullptr, _IONBF, 0);
    // libevent complains on stderr about descriptors that epoll does not take, which is expected for devices.
    event_set_log_callback(be_quiet);
}

}  // namespace

int main() {
    for (int signo :
         {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGTSTP, SIGTTOU}) {
        ::signal(signo, SIG_IGN);
    }
    warm_up();
    std::unique_ptr<event_base, decltype(&event_base_free)> base(event_base_new(), event_base_free);
    reeve::PipeRelay relay;
    if (base == nullptr || !relay.open()) {
        std::fputs("supervisor-log: no event loop, or no pipe\n", stderr);
        return 70;
    }
    reeve::enter_sandbox(reeve::SandboxPart::Log);
    reeve::UniqueFd spawner(reeve::kPartSpawnerFd);
    reeve::LogWriter writer(base.get(), static_cast<reeve::UniqueFd&&>(spawner),
                            static_cast<reeve::PipeRelay&&>(relay));
    return writer.run();
}
