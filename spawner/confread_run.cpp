// Running supervisor-confread. See confread_run.hpp.
//
// Descriptors of confread: 3 becomes the spawner's image, 4 the engine's. It writes and seals them and exits
// with 0; or it says why not on stderr and exits with another status.
#include "spawner/confread_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "spawner/child_exec.hpp"
#include "spawner/parts.hpp"

namespace reeve {
namespace {

constexpr unsigned kPatienceS = 60;  // name services may be slow

// errors: where its stderr goes at a re-read; -1 at the start.
[[noreturn]] void exec_confread_in_child(const State& state, int image, int view, int errors) {
    char path[2048];
    find_program(kConfread, path, sizeof path);
    int wanted[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, image, view};
    if (errors >= 0) {
        wanted[0] = wanted[1] = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        wanted[2] = errors;
        ::alarm(kPatienceS);  // which survives exec and ends it
        char generation[32];
        std::snprintf(generation, sizeof generation, "%u", state.table.newest() + 1);
        ::setenv("REEVE_REREAD", generation, 1);
    }
    // Relative names on the command line mean what they meant at the start, wherever a daemon went since.
    // Now, because the directory's descriptor may be one of those that are replaced next.
    [[maybe_unused]] int entered = ::fchdir(state.life.start_directory);
    reset_signals_in_child();
    bool ready = set_descriptors_in_child(wanted);
    if (ready) ::execv(path, state.argv);
    ::dprintf(ready ? STDERR_FILENO : wanted[2], "Error: cannot run %s: %s\n", path, std::strerror(errno));
    ::_exit(2);
}

void fail_reread(State& state, int exit_status, const char* text) {
    Reread& reread = state.reread;
    reread.failed = reread.answer_untold = true;
    reread.exit_status = static_cast<std::uint32_t>(exit_status);
    if (text != nullptr) std::snprintf(reread.text.data(), reread.text.size(), "%s", text);
}

}  // namespace

pid_t start_confread(const State& state, UniqueFd& image, UniqueFd& view, int errors) {
    image.reset(::memfd_create("reeve-spawner", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    view.reset(::memfd_create("reeve-engine", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    pid_t pid = image.valid() && view.valid() ? ::fork() : -1;
    if (pid == 0) exec_confread_in_child(state, image.get(), view.get(), errors);
    return pid;
}

void begin_reread(State& state, std::uint32_t serial) {
    Reread& reread = state.reread;
    reread.wanted = true;
    reread.serial = serial;
    reread.failed = reread.answer_untold = false;
    if (reread.pid != 0) return fail_reread(state, 1, "the re-read before this one is still ending");
    // What confread says on stderr: memory that cannot grow beyond what an answer holds.
    reread.errors.reset(::memfd_create("reeve-errors", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (::ftruncate(reread.errors.get(), kMaxText) != 0 ||
        ::fcntl(reread.errors.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)
        return fail_reread(state, 1, std::strerror(errno));
    pid_t pid = start_confread(state, reread.image, reread.view, reread.errors.get());
    if (pid < 0) return fail_reread(state, 1, std::strerror(errno));
    reread.pid = pid;
}

void on_reread_exit(State& state, int wait_status) {
    Reread& reread = state.reread;
    UniqueFd image = static_cast<UniqueFd&&>(reread.image);
    UniqueFd view = static_cast<UniqueFd&&>(reread.view);
    UniqueFd errors = static_cast<UniqueFd&&>(reread.errors);
    reread.pid = 0;
    if (!reread.wanted || reread.answer_untold) return;  // it was abandoned
    ssize_t got = ::pread(errors.get(), reread.text.data(), kMaxText, 0);
    reread.text[got < 0 ? 0 : static_cast<std::size_t>(got)] = 0;
    if (WIFSIGNALED(wait_status))
        return fail_reread(state, 1, reread.text[0] == 0 ? "supervisor-confread was killed" : nullptr);
    if (WEXITSTATUS(wait_status) != 0) return fail_reread(state, WEXITSTATUS(wait_status), nullptr);
    const char* wrong =
        state.table.add_generation(static_cast<UniqueFd&&>(image), static_cast<UniqueFd&&>(view));
    if (wrong != nullptr) return fail_reread(state, 1, wrong);
    reread.answer_untold = true;
}

void abandon_reread(State& state) {
    state.reread.wanted = state.reread.answer_untold = false;
    if (state.reread.pid != 0) ::kill(state.reread.pid, SIGKILL);
}

}  // namespace reeve
