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
constexpr std::uint64_t kKillAgainMs = 1000;

// Only our own: somebody may have put another one there.
void remove_pidfile(State& state) {
    const SpawnerImage& image = state.table.boot();
    const char* path = image.c_str(image.daemon().pidfile);
    struct stat ours {};
    struct stat there {};
    if (::fstat(state.pidfile.get(), &ours) == 0 && S_ISREG(ours.st_mode) && ::stat(path, &there) == 0 &&
        ours.st_dev == there.st_dev && ours.st_ino == there.st_ino) {
        ::unlink(path);
    }
}

// Only comes back if it fails.
void execute_itself(State& state) {
    char path[1024];
    char number[16];
    ::fcntl(state.life.start_directory, F_SETFD, 0);
    int memory = ::memfd_create("reeve-state", MFD_ALLOW_SEALING);
    if (memory < 0 || ::write(memory, &state.life, sizeof state.life) != ssize_t{sizeof state.life} ||
        ::fcntl(memory, F_ADD_SEALS, kStateSeals) != 0 || !own_path(path, sizeof path)) {
        return;
    }
    // A package upgrade replaces the file: go on as the new one.
    if (char* gone = std::strstr(path, " (deleted)"); gone != nullptr && gone[10] == 0) *gone = 0;
    std::snprintf(number, sizeof number, "%d", memory);
    ::setenv(kStateVariable, number, 1);
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

}  // namespace

void begin_finish(State& state, FinishMode mode) {
    state.finishing = true;
    state.finish_mode = mode;
    state.finish_deadline = mono_ms() + kPartsLeaveMs;
    for (Part* part : state.parts) part->channel.close();
}

void look_after_finish(State& state, std::uint64_t now, std::uint64_t& next) {
    if (!state.finishing) return;
    bool any = false;
    bool late = now >= state.finish_deadline;
    for (Part* part : state.parts) {
        any = any || part->pid != 0;
        if (late && part->pid != 0) ::kill(part->pid, SIGKILL);
    }
    if (!any) leave(state);
    if (late) state.finish_deadline = now + kKillAgainMs;
    next = std::min(next, state.finish_deadline);
}

void look_after_stop(State& state, std::uint64_t now, std::uint64_t& next) {
    constexpr std::uint32_t kEnding = (1U << SIGTERM) | (1U << SIGINT) | (1U << SIGQUIT);
    bool untold = (state.life.signals & kEnding) != 0;
    bool asked = untold || state.stopping == kHelloStopping;
    bool& alone = state.stopping_alone;
    if (state.finishing) return;
    if (alone && !children_in_reach(state)) return begin_finish(state, FinishMode::Exit);
    // An engine that does not take the signal is none.
    if (!alone && (!asked || (state.engine.ready && !untold))) {
        state.stop_deadline = 0;
        return;
    }
    if (state.stop_deadline == 0) state.stop_deadline = now + kWithoutEngineMs;
    if (now >= state.stop_deadline) {
        if (!alone)
            say(state, Level::Critical, "there is no working engine: stopping all programs without it");
        if (!alone) kill_part(state.engine, "did not take the signal to stop");
        for (std::uint32_t i = 0; Slot* slot = state.table.from(i); ++i)
            kill_child(*slot, alone ? SIGKILL : SIGTERM, false);
        state.stop_deadline = now + (alone ? kKillAgainMs : kChildrenStopMs);
        alone = true;
    }
    next = std::min(next, alone && !children_in_reach(state) ? now : state.stop_deadline);
}

}  // namespace reeve
