// The end of the daemon. See finish.hpp.
#include "spawner/finish.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "spawner/child_end.hpp"
#include "spawner/parts.hpp"
#include "spawner/say.hpp"
#include "spawner/sockets.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kPartsLeaveMs = 10'000;
constexpr std::uint64_t kWithoutEngineMs = 10'000;
constexpr std::uint64_t kChildrenStopMs = 10'000;
constexpr const char* kVariable = "REEVE_STATE";
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

void remove_pidfile(State& state) {
    if (!state.pidfile.valid()) return;
    const SpawnerImage& image = state.table.boot();
    const char* path = image.c_str(image.daemon().pidfile);
    struct stat ours {};
    struct stat there {};
    // Only our own: somebody may have put another one there.
    if (::fstat(state.pidfile.get(), &ours) == 0 && S_ISREG(ours.st_mode) && ::stat(path, &there) == 0 &&
        ours.st_dev == there.st_dev && ours.st_ino == there.st_ino) {
        ::unlink(path);
    }
    state.pidfile.reset();
}

// Only comes back if it fails.
void execute_itself(State& state) {
    Inheritance left{};
    std::memcpy(left.magic, "REEVERUN", 8);
    left.carry = state.carry;
    left.files_soft = state.child_files_soft;
    left.files_hard = state.child_files_hard;
    left.signals = state.signals_untold;
    left.daemonized = state.foreground ? 0 : 1;
    left.start_directory = state.start_directory.get();
    if (left.start_directory >= 0) ::fcntl(left.start_directory, F_SETFD, 0);
    int memory = ::memfd_create("reeve-state", MFD_ALLOW_SEALING);
    if (memory < 0 || ::write(memory, &left, sizeof left) != static_cast<ssize_t>(sizeof left) ||
        ::fcntl(memory, F_ADD_SEALS, kSeals) != 0) {
        return;
    }
    char path[1024];
    ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    // A package upgrade replaces the file: go on as the new one.
    if (char* gone = std::strstr(path, " (deleted)"); gone != nullptr && gone[10] == 0) *gone = 0;
    char number[16];
    std::snprintf(number, sizeof number, "%d", memory);
    ::setenv(kVariable, number, 1);
    ::execv(path, state.argv);
}

void leave(State& state) {
    remove_sockets(state);
    remove_pidfile(state);
    if (state.finish_mode == FinishMode::Exit) ::_exit(0);
    execute_itself(state);
    say(state, Level::Critical, "cannot execute itself for the restart: %s", std::strerror(errno));
    ::_exit(1);
}

void signal_all(State& state, int signo) {
    for (std::uint32_t i = 0; i < state.table.high(); ++i) {
        Slot* slot = state.table.find(i);
        if (slot != nullptr && slot->state == SlotState::Live) kill_child(*slot, signo, false);
    }
}

}  // namespace

void begin_finish(State& state, FinishMode mode) {
    state.finishing = true;
    state.finish_mode = mode;
    state.finish_deadline = mono_ms() + kPartsLeaveMs;
    for (Part* part : {&state.rpc, &state.engine, &state.log}) part->channel.close();
}

void look_after_finish(State& state, std::uint64_t now, std::uint64_t& next) {
    if (!state.finishing) return;
    bool any = false;
    for (Part* part : {&state.rpc, &state.engine, &state.log}) any = any || part->pid != 0;
    if (!any) leave(state);
    if (now >= state.finish_deadline) {
        for (Part* part : {&state.rpc, &state.engine, &state.log}) {
            if (part->pid != 0) ::kill(part->pid, SIGKILL);
        }
        state.finish_deadline = now + 1000;
    }
    next = std::min(next, state.finish_deadline);
}

void look_after_stop(State& state, std::uint64_t now, std::uint64_t& next) {
    if (state.finishing) return;
    if (state.stopping_alone) {
        if (!children_in_reach(state)) {
            begin_finish(state, FinishMode::Exit);
            next = now;
            return;
        }
        if (now >= state.kill_deadline) {
            signal_all(state, SIGKILL);
            state.kill_deadline = now + 1000;
        }
        next = std::min(next, state.kill_deadline);
        return;
    }
    constexpr std::uint32_t kEnding = (1U << SIGTERM) | (1U << SIGINT) | (1U << SIGQUIT);
    bool untold = (state.signals_untold & kEnding) != 0;
    bool asked = untold || state.stopping == kHelloStopping;
    // An engine that does not take the signal is none.
    if (!asked || (state.engine.ready && !untold)) {
        state.stop_deadline = 0;
        return;
    }
    if (state.stop_deadline == 0) state.stop_deadline = now + kWithoutEngineMs;
    if (now < state.stop_deadline) {
        next = std::min(next, state.stop_deadline);
        return;
    }
    say(state, Level::Critical, "there is no working engine: stopping all programs without it");
    kill_part(state.engine, "did not take the signal to stop");
    state.stopping_alone = true;
    state.kill_deadline = now + kChildrenStopMs;
    signal_all(state, SIGTERM);
    next = now;
}

void inherit(State& state, bool& daemonized) {
    daemonized = false;
    const char* number = ::getenv(kVariable);
    if (number == nullptr) return;
    int fd = std::atoi(number);
    ::unsetenv(kVariable);
    Inheritance left{};
    // Whoever sets the variable by hand cannot make a sealed memfd of this form by accident.
    if (fd < 3 || ::fcntl(fd, F_GET_SEALS) != kSeals || ::pread(fd, &left, sizeof left, 0) != sizeof left ||
        std::memcmp(left.magic, "REEVERUN", 8) != 0) {
        return;
    }
    ::close(fd);
    state.resumed = true;
    daemonized = left.daemonized != 0;
    state.carry = left.carry;
    state.child_files_soft = left.files_soft;
    state.child_files_hard = left.files_hard;
    state.signals_untold = left.signals;
    if (left.start_directory >= 3) {
        state.start_directory.reset(left.start_directory);
        ::fcntl(left.start_directory, F_SETFD, FD_CLOEXEC);
    }
}

}  // namespace reeve
