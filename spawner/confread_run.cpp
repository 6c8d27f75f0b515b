// Running supervisor-confread. See confread_run.hpp.
//
// Descriptors of confread: 3 becomes the spawner's image, 4 the engine's. It writes and seals them and exits
// with 0; or it says why not on stderr and exits with another status.
#include "spawner/confread_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "spawner/child_exec.hpp"
#include "spawner/parts.hpp"
#include "spawner/startup.hpp"

namespace reeve {
namespace {

constexpr const char* kProgram = "supervisor-confread";
constexpr std::uint64_t kPatienceMs = 60'000;  // name services may be slow

bool make_images(UniqueFd& image, UniqueFd& view) {
    image.reset(::memfd_create("reeve-spawner", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    view.reset(::memfd_create("reeve-engine", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    return image.valid() && view.valid();
}

[[noreturn]] void exec_confread_in_child(const State& state, int image, int view, int errors) {
    char path[2048];
    bool found = find_program(kProgram, path, sizeof path);
    if (errors >= 0) {
        int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(errors, 2) < 0) ::_exit(71);
        char generation[32];
        std::snprintf(generation, sizeof generation, "%u", state.table.newest() + 1);
        ::setenv("REEVE_REREAD", generation, 1);
    }
    // Relative names on the command line mean what they meant at the start, wherever a daemon went since.
    // Now, because the directory's descriptor may be one of those that are replaced next.
    if (state.start_directory.valid()) {
        int ignored = ::fchdir(state.start_directory.get());
        static_cast<void>(ignored);
    }
    int high_image = ::fcntl(image, F_DUPFD_CLOEXEC, 10);
    int high_view = ::fcntl(view, F_DUPFD_CLOEXEC, 10);
    if (high_image < 0 || high_view < 0 || ::dup2(high_image, 3) < 0 || ::dup2(high_view, 4) < 0) ::_exit(71);
    ::close_range(5, ~0U, 0);
    reset_signals_in_child();
    errno = ENOENT;
    if (found) ::execv(path, state.argv);
    char line[2200];
    int length = std::snprintf(line, sizeof line, "Error: cannot run %s: %s\n", path, std::strerror(errno));
    if (length > 0) {
        ssize_t ignored = ::write(2, line, std::min(static_cast<std::size_t>(length), sizeof line - 1));
        static_cast<void>(ignored);
    }
    ::_exit(2);
}

void fail_reread(State& state, std::uint32_t exit_status, const char* text) {
    Reread& reread = state.reread;
    reread.failed = reread.answer_untold = true;
    reread.exit_status = exit_status;
    if (text != nullptr) {
        reread.text_size = std::min(std::strlen(text), reread.text.size());
        std::memcpy(reread.text.data(), text, reread.text_size);
    }
}

}  // namespace

void read_configuration(State& state) {
    UniqueFd image, view;
    if (!make_images(image, view))
        refuse_to_start(state, "cannot make memory for the configuration: %s", std::strerror(errno));
    pid_t pid = ::fork();
    if (pid < 0) refuse_to_start(state, "cannot fork: %s", std::strerror(errno));
    if (pid == 0) exec_confread_in_child(state, image.get(), view.get(), -1);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) refuse_to_start(state, "%s was killed by signal %d", kProgram, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) std::exit(WEXITSTATUS(status));
    struct stat written {};
    if (::fstat(image.get(), &written) == 0 && written.st_size == 0)
        std::exit(0);  // it printed help or version
    const char* wrong =
        state.table.add_generation(static_cast<UniqueFd&&>(image), static_cast<UniqueFd&&>(view));
    if (wrong != nullptr) refuse_to_start(state, "%s: %s", kProgram, wrong);
}

void begin_reread(State& state, std::uint32_t serial) {
    Reread& reread = state.reread;
    reread.wanted = true;
    reread.serial = serial;
    reread.failed = reread.answer_untold = false;
    reread.text_size = 0;
    if (reread.pid != 0) return fail_reread(state, 1, "the re-read before this one is still ending");
    int ends[2];
    if (!make_images(reread.image, reread.view) || ::pipe2(ends, O_CLOEXEC) != 0)
        return fail_reread(state, 1, std::strerror(errno));
    reread.errors.reset(ends[0]);
    UniqueFd childs(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t pid = ::fork();
    if (pid == 0) exec_confread_in_child(state, reread.image.get(), reread.view.get(), childs.get());
    if (pid < 0) return fail_reread(state, 1, std::strerror(errno));
    reread.pid = pid;
    reread.deadline = mono_ms() + kPatienceMs;
}

void on_reread_text(State& state) {
    Reread& reread = state.reread;
    char piece[4096];
    // A bounded number of pieces: whoever holds the other end may write without pause.
    for (int i = 0; i < 16; ++i) {
        ssize_t got = ::read(reread.errors.get(), piece, sizeof piece);
        if (got == 0) reread.errors.reset();
        if (got <= 0) return;
        std::size_t size = std::min(static_cast<std::size_t>(got), reread.text.size() - reread.text_size);
        std::memcpy(reread.text.data() + reread.text_size, piece, size);
        reread.text_size += size;
    }
}

void on_reread_exit(State& state, int wait_status) {
    Reread& reread = state.reread;
    if (reread.errors.valid()) on_reread_text(state);
    reread.errors.reset();
    reread.pid = 0;
    UniqueFd image = static_cast<UniqueFd&&>(reread.image);
    UniqueFd view = static_cast<UniqueFd&&>(reread.view);
    if (!reread.wanted) return;
    if (WIFSIGNALED(wait_status))
        return fail_reread(state, 1, reread.text_size == 0 ? "supervisor-confread was killed" : nullptr);
    if (WEXITSTATUS(wait_status) != 0)
        return fail_reread(state, static_cast<std::uint32_t>(WEXITSTATUS(wait_status)), nullptr);
    const char* wrong =
        state.table.add_generation(static_cast<UniqueFd&&>(image), static_cast<UniqueFd&&>(view));
    if (wrong != nullptr) return fail_reread(state, 1, wrong);
    reread.answer_untold = true;
}

void abandon_reread(State& state) {
    state.reread.wanted = state.reread.answer_untold = false;
    if (state.reread.pid != 0) ::kill(state.reread.pid, SIGKILL);
}

void look_after_reread(State& state, std::uint64_t now, std::uint64_t& next) {
    Reread& reread = state.reread;
    if (reread.pid == 0 || reread.deadline == 0) return;
    if (now >= reread.deadline) {
        reread.deadline = 0;
        ::kill(reread.pid, SIGKILL);
    } else if (reread.deadline < next) {
        next = reread.deadline;
    }
}

}  // namespace reeve
