// Ctrl-C as an event. See interrupt.hpp.
#include "ctl/interrupt.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstring>

#include "ctl/errors.hpp"

namespace reeve::ctl {

Interrupt::Interrupt() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_BLOCK, &mask, nullptr);
    fd_ = UniqueFd(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_.valid()) throw Error(std::string("cannot watch for signals: ") + std::strerror(errno));
}

void Interrupt::check() {
    signalfd_siginfo info;
    if (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) throw Interrupted();
}

void Interrupt::wait_readable(int fd) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {fd_.get(), POLLIN, 0}};
    while (true) {
        if (::poll(fds, 2, -1) < 0) {
            if (errno == EINTR) continue;
            throw Error(std::string("cannot wait for input: ") + std::strerror(errno));
        }
        if (fds[1].revents != 0) check();
        if (fds[0].revents != 0) return;
    }
}

void Interrupt::die() {
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_UNBLOCK, &mask, nullptr);
    _exit(130);
}

}  // namespace reeve::ctl
