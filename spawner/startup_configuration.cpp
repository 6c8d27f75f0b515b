// What the start takes over: the state of the life before, if supervisord has executed itself, and the
// configuration.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "spawner/confread_run.hpp"
#include "spawner/finish.hpp"
#include "spawner/startup.hpp"

namespace reeve {

void inherit(State& state) {
    const char* number = ::getenv(kStateVariable);
    if (number == nullptr) return;
    int fd = std::atoi(number);
    ::unsetenv(kStateVariable);
    Life left;
    // Whoever sets the variable by hand cannot make a sealed memfd of this form by accident.
    if (fd < 3 || ::fcntl(fd, F_GET_SEALS) != kStateSeals ||
        ::pread(fd, &left, sizeof left, 0) != sizeof left ||
        std::memcmp(left.magic, state.life.magic, sizeof left.magic) != 0) {
        return;
    }
    ::close(fd);
    state.resumed = true;
    state.life = left;
    ::fcntl(left.start_directory, F_SETFD, FD_CLOEXEC);
}

void read_configuration(State& state) {
    UniqueFd image, view;
    pid_t pid = start_confread(state, image, view, -1);
    if (pid < 0) refuse_to_start(state, "cannot start %s: %s", kConfread, std::strerror(errno));
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        refuse_to_start(state, "%s was killed by signal %d", kConfread, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) std::exit(WEXITSTATUS(status));
    struct stat written {};
    if (::fstat(image.get(), &written) == 0 && written.st_size == 0)
        std::exit(0);  // it printed help or version
    const char* wrong =
        state.table.add_generation(static_cast<UniqueFd&&>(image), static_cast<UniqueFd&&>(view));
    if (wrong != nullptr) refuse_to_start(state, "%s: %s", kConfread, wrong);
}

}  // namespace reeve
