// The loop. See loop.hpp.
#include "spawner/loop.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "spawner/child_end.hpp"
#include "spawner/confread_run.hpp"
#include "spawner/finish.hpp"
#include "spawner/from_engine.hpp"
#include "spawner/from_log.hpp"
#include "spawner/parts.hpp"
#include "spawner/say.hpp"
#include "spawner/sockets.hpp"
#include "spawner/tell.hpp"

namespace reeve {
namespace {

constexpr int kMessagesPerTurn = 32;
constexpr std::uint64_t kNever = UINT64_MAX;

void on_signals(State& state) {
    signalfd_siginfo infos[16];
    ssize_t got = ::read(state.signals.get(), infos, sizeof infos);
    if (got <= 0) return;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof infos[0]; ++i) {
        std::uint32_t signo = infos[i].ssi_signo;
        if (signo == SIGUSR1) {
            say(state, Level::Info, "received SIGUSR1, which has no meaning here: ignored");
        } else if (signo == SIGCHLD) {
            say(state, Level::Debug, "received SIGCHLD indicating a child quit");
        } else if (signo < 32) {
            state.signals_untold |= 1U << signo;
        }
    }
    reap_children(state);  // signals fold into each other: always look
}

using Handler = const char* (*)(State&, const Message&);

// Reads what a part says, but not more than the turn allows, and nothing while an answer waits to be sent.
void read_part(State& state, Part& part, Handler handler) {
    Received received;
    for (int i = 0; i < kMessagesPerTurn && part.channel.open() && !part.held.full; ++i) {
        std::uint64_t when = kNever;
        if (&part == &state.engine && !spawn_allowed(state, mono_ms(), when)) return;
        switch (part.channel.receive(state.buffer, received)) {
            case Receive::Nothing: return;
            case Receive::Message:
                if (const char* broken = handler(state, received.message)) kill_part(part, broken);
                break;
            case Receive::Violation: kill_part(part, part.channel.reason()); break;
            case Receive::End:
                // It leaves, or has to. waitpid will tell.
                part.channel.close();
                if (part.pid != 0) ::kill(part.pid, SIGKILL);
                break;
        }
        if (state.finishing) return;
    }
}

// What to wait for on a part's channel.
short events_of(const State& state, const Part& part, bool readable) {
    if (!part.channel.open() || part.retry_at != 0) return 0;
    short events = part.blocked ? POLLOUT : 0;
    bool reads = part.role != Role::Rpc && !part.held.full && readable && !state.finishing;
    return static_cast<short>(events | (reads ? POLLIN : 0));
}

void unblock(Part& part, short revents) {
    if ((revents & (POLLOUT | POLLERR | POLLHUP)) != 0) part.blocked = false;
}

int timeout_until(std::uint64_t next) {
    if (next == kNever) return -1;
    std::uint64_t now = mono_ms();
    return next <= now ? 0 : static_cast<int>(std::min<std::uint64_t>(next - now, 3'600'000));
}

}  // namespace

void run_loop(State& state) {
    for (;;) {
        std::uint64_t now = mono_ms();
        std::uint64_t next = kNever;
        look_after_parts(state, now, next);
        look_after_reread(state, now, next);
        look_after_sockets(state, now, next);
        look_after_orphans(state, now, next);
        look_after_stop(state, now, next);
        look_after_finish(state, now, next);
        tell_all(state);
        for (const Part* part : {&state.engine, &state.rpc, &state.log}) {
            if (part->retry_at != 0) next = std::min(next, part->retry_at);
        }

        bool may_spawn = spawn_allowed(state, now, next);
        // A closed channel is waited for as -1, which poll leaves alone.
        auto waits = [&state](const Part& part, bool readable) {
            short events = events_of(state, part, readable);
            return pollfd{events != 0 ? part.channel.fd() : -1, events, 0};
        };
        pollfd fds[] = {{state.signals.get(), POLLIN, 0},
                        waits(state.engine, may_spawn),
                        waits(state.log, true),
                        waits(state.rpc, false),
                        {state.reread.errors.get(), POLLIN, 0},
                        {state.inotify.get(), POLLIN, 0}};
        if (::poll(fds, sizeof fds / sizeof fds[0], timeout_until(next)) < 0) continue;
        unblock(state.engine, fds[1].revents);
        unblock(state.log, fds[2].revents);
        unblock(state.rpc, fds[3].revents);
        if (fds[5].revents != 0) on_socket_event(state);
        if (fds[4].revents != 0) on_reread_text(state);
        if ((fds[1].revents & (POLLIN | POLLHUP)) != 0) read_part(state, state.engine, on_engine_message);
        if ((fds[2].revents & (POLLIN | POLLHUP)) != 0) read_part(state, state.log, on_log_message);
        if (fds[0].revents != 0) on_signals(state);
    }
}

}  // namespace reeve
