// The loop. See loop.hpp.
#include "spawner/loop.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "spawner/child_end.hpp"
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
constexpr std::uint64_t kLongestWaitMs = 3'600'000;

void on_signals(State& state) {
    signalfd_siginfo info;
    while (::read(state.signals.get(), &info, sizeof info) == ssize_t{sizeof info}) {
        if (info.ssi_signo == SIGCHLD) {
            say(state, Level::Debug, "received SIGCHLD indicating a child quit");
        } else if (info.ssi_signo < 32) {
            state.life.signals |= 1U << info.ssi_signo;
        }
    }
    reap_children(state);  // signals fold into each other: always look
}

// What to wait for on a part's channel. A closed one is -1, which poll leaves alone. The front says nothing.
pollfd wait_for(const State& state, const Part& part, bool may_spawn) {
    bool reads = &part == &state.log || (&part == &state.engine && may_spawn);
    short events = part.blocked ? POLLOUT : 0;
    if (reads && !part.held.full && !state.finishing) events |= POLLIN;
    return {events != 0 && mono_ms() >= part.retry_at ? part.channel.fd() : -1, events, 0};
}

}  // namespace

void read_part(State& state, Part& part) {
    Received received;
    for (int i = 0; i < kMessagesPerTurn && part.channel.open() && !part.held.full; ++i) {
        std::uint64_t when = kNever;
        // What is left of a dead one's is little, and has to be known.
        if (&part == &state.engine && part.pid != 0 && !spawn_allowed(state, mono_ms(), when)) return;
        const char* broken = nullptr;
        switch (part.channel.receive(state.buffer, received)) {
            case Receive::Nothing: return;
            case Receive::Message:
                broken = &part == &state.log ? on_log_message(state, received.message)
                                             : on_engine_message(state, received.message);
                if (broken != nullptr) kill_part(part, broken);
                break;
            case Receive::Violation: kill_part(part, part.channel.reason()); break;
            case Receive::End: kill_part(part, nullptr);  // it leaves, or has to
        }
        if (state.finishing) return;
    }
}

void run_loop(State& state) {
    for (;;) {
        std::uint64_t now = mono_ms();
        std::uint64_t next = kNever;
        look_after_parts(state, now, next);
        look_after_sockets(state, now, next);
        look_after_orphans(state, now, next);
        look_after_stop(state, now, next);
        look_after_finish(state, now, next);
        tell_all(state);
        for (const Part* part : state.parts)
            next = std::min(next, part->retry_at > now ? part->retry_at : kNever);
        bool may_spawn = spawn_allowed(state, now, next);
        constexpr std::size_t kOwn = 2;
        pollfd fds[kOwn + 3] = {{state.signals.get(), POLLIN, 0}, {state.inotify.get(), POLLIN, 0}};
        for (std::size_t i = 0; i < 3; ++i) fds[kOwn + i] = wait_for(state, *state.parts[i], may_spawn);
        std::uint64_t wait = std::min(next - std::min(now, next), kLongestWaitMs);
        if (::poll(fds, kOwn + 3, next == kNever ? -1 : static_cast<int>(wait)) < 0) continue;
        if (fds[1].revents != 0) on_socket_event(state);
        for (std::size_t i = 0; i < 3; ++i) {
            if ((fds[kOwn + i].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) state.parts[i]->blocked = false;
            if ((fds[kOwn + i].revents & (POLLIN | POLLHUP)) != 0) read_part(state, *state.parts[i]);
        }
        if (fds[0].revents != 0) on_signals(state);
    }
}

}  // namespace reeve
