// The end of programs. See child_end.hpp.
#include "spawner/child_end.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "spawner/confread_run.hpp"
#include "spawner/fcgi.hpp"
#include "spawner/logfile.hpp"
#include "spawner/parts.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kOrphanLineMs = 1000;

// Whether a living log writer has the pipe: it writes at the same places of the file, and must be the only
// one. The engine may hear of its death, and go on, before there is a SIGCHLD.
bool log_writer_has(const State& state, const Slot& slot, bool is_stderr) {
    pollfd hung_up{state.log.channel.fd(), 0, 0};
    return state.log.channel.open() && !slot.stream_untold[is_stderr] && ::poll(&hung_up, 1, 0) == 0;
}

void on_end(State& state, pid_t pid, int status) {
    if (Slot* slot = state.table.by_pid(pid)) {
        state.table.died(*slot, status);
        return release_fcgi_socket(state, *slot);
    }
    if (pid == state.reread.pid) return on_reread_exit(state, status);
    for (Part* part : state.parts) {
        if (pid == part->pid) return on_part_death(state, *part, status);
    }
    // Process 1 (or a subreaper) inherits what others leave behind. One line each is what people know, but a
    // shell script can make thousands: the first of a second is named, the others are counted.
    ++state.orphans_unsaid;
    if (mono_ms() < state.orphan_line_at || state.orphans_unsaid > 1) return;
    say(state, Level::Info, "reaped unknown pid %d (%s)", static_cast<int>(pid), how_ended(status).text);
    state.orphan_line_at = mono_ms() + kOrphanLineMs;
    state.orphans_unsaid = 0;
}

}  // namespace

int kill_child(Slot& slot, int signo, bool group) {
    auto pid = static_cast<pid_t>(slot.pid);
    if (slot.state != SlotState::Live || pid <= 1) return ESRCH;
    int error = ::kill(group ? -pid : pid, signo) == 0 ? 0 : errno;
    slot.out_of_reach = error == EPERM;
    return error;
}

bool children_in_reach(State& state) {
    for (std::uint32_t i = 0; Slot* slot = state.table.from(i); ++i) {
        if (slot->state == SlotState::Live && !slot->out_of_reach) return true;
    }
    return false;
}

void reap_children(State& state) {
    for (;;) {
        int status = 0;
        pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid <= 0) return;
        on_end(state, pid, status);
    }
}

void child_drained(State& state, Slot& slot) {
    slot.draining = false;
    // A listener's stdout is read by the engine, which may be a new one that has not had it yet.
    bool listener = state.table.definition(slot).kind == ProgramKind::EventListener;
    if (!listener || slot.state == SlotState::Empty) slot.out[0].reset();
    slot.out[1].reset();
}

void save_output(State& state, const Slot& slot) {
    for (bool is_stderr : {false, true}) {
        int pipe = slot.out[is_stderr].get();
        bool engines = !is_stderr && state.table.definition(slot).kind == ProgramKind::EventListener;
        int left = 0;
        if (engines || log_writer_has(state, slot, is_stderr) || !slot.draining || pipe < 0 ||
            ::ioctl(pipe, FIONREAD, &left) != 0 || left <= 0)
            continue;
        FileResult log = do_slot_log(state, slot, is_stderr, FileOp::Reopen);
        if (!log.fd.valid()) continue;
        ::lseek(log.fd.get(), 0, SEEK_END);
        pollfd writable{log.fd.get(), POLLOUT, 0};
        char piece[4096];  // no more than a pipe takes at once, if the log is one
        while (left > 0 && ::poll(&writable, 1, 0) == 1) {
            ssize_t got = ::read(pipe, piece, sizeof piece);
            if (got <= 0 || ::write(log.fd.get(), piece, static_cast<std::size_t>(got)) != got) break;
            left -= static_cast<int>(got);
        }
    }
}

void forget_child(State& state, Slot& slot) {
    if (slot.draining && !state.log.told) {
        save_output(state, slot);
        child_drained(state, slot);
    }
    slot.state = SlotState::Empty;
    slot.pid = 0;
    slot.exit_untold = false;
    slot.killed = 0;
    if (!slot.draining || state.table.definition(slot).kind == ProgramKind::EventListener)
        slot.out[0].reset();
}

void look_after_orphans(State& state, std::uint64_t now, std::uint64_t& next) {
    if (state.orphans_unsaid == 0) return;
    if (now >= state.orphan_line_at) {
        say(state, Level::Info, "reaped %u more unknown processes", state.orphans_unsaid);
        state.orphan_line_at = now + kOrphanLineMs;
        state.orphans_unsaid = 0;
    }
    next = std::min(next, state.orphan_line_at);
}

}  // namespace reeve
