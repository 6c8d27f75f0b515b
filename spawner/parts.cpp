// Starting, linking and watching the parts. See parts.hpp.
#include "spawner/parts.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reeve_config.hpp"
#include "spawner/confread_run.hpp"
#include "spawner/part_exec.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kShortLifeMs = 10'000;
constexpr std::uint32_t kLongestDelayS = 60;
constexpr std::uint64_t kReadyMs = 10'000;

Edge edge_to(const Part& part) {
    switch (part.role) {
        case Role::Log: return Edge::SL;
        case Role::Rpc: return Edge::SR;
        default: return Edge::SE;
    }
}

Edge edge_from(const Part& part) { return part.role == Role::Log ? Edge::LS : Edge::ES; }

// A new edge between two living parts, replacing what they had.
void link_parts(Part& one, Part& other) {
    if (one.pid == 0 || other.pid == 0) return;
    UniqueFd ones, others;
    if (!make_channel_pair(ones, others)) return kill_part(one, "it cannot be linked with the others");
    one.peers[static_cast<std::size_t>(other.role)] = static_cast<UniqueFd&&>(ones);
    other.peers[static_cast<std::size_t>(one.role)] = static_cast<UniqueFd&&>(others);
}

// The log writer gets every stream again.
void all_streams_untold(Table& table) {
    for (std::uint32_t i = 0; i < table.high(); ++i) {
        Slot* slot = table.find(i);
        if (slot == nullptr) continue;
        for (std::size_t which = 0; which < 2; ++which) slot->stream_untold[which] = slot->out[which].valid();
        slot->drain_untold = slot->draining;
    }
    table.streams_untold = true;
}

void set_event(State& state, Part& part, PartEvent event, std::uint32_t status) {
    if (part.role == Role::Engine) return;
    part.event = event;
    part.event_status = status;
    part.event_untold = state.engine.told();
}

void restart_later(State& state, Part& part, std::uint64_t lived_ms, std::uint32_t status) {
    if (lived_ms >= kShortLifeMs) {
        part.delay_s = 0;
    } else {
        part.delay_s = part.delay_s == 0 ? 1 : part.delay_s * 2;
        if (part.delay_s > kLongestDelayS) part.delay_s = kLongestDelayS;
    }
    part.restart_at = mono_ms() + std::uint64_t{part.delay_s} * 1000;
    set_event(state, part, part.delay_s == 0 ? PartEvent::Down : PartEvent::Throttled, status);
}

}  // namespace

bool find_program(const char* name, char* out, std::size_t size) {
    char self[1024];
    ssize_t length = ::readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = 0;
        char* slash = std::strrchr(self, '/');
        if (slash != nullptr) *slash = 0;
        std::snprintf(out, size, "%s/%s", self, name);
        if (::access(out, X_OK) == 0) return true;
    }
    std::snprintf(out, size, "%s/%s", REEVE_LIBEXECDIR, name);
    return ::access(out, X_OK) == 0;
}

void start_part(State& state, Part& part) {
    part.restart_at = 0;
    part.started_at = mono_ms();
    char path[2048];
    UniqueFd ours, theirs;
    bool possible = find_program(part.binary, path, sizeof path) && make_channel_pair(ours, theirs);
    pid_t pid = possible ? ::fork() : -1;
    if (pid == 0) exec_part_in_child(state, part, path, theirs.get());
    if (pid < 0) {
        say(state, Level::Error, "cannot start %s: %s", part.binary, std::strerror(errno));
        restart_later(state, part, 0, 0);
        return;
    }
    // Nothing flows from the front to the spawner: that direction does not exist.
    if (part.role == Role::Rpc) ::shutdown(ours.get(), SHUT_RD);
    part.pid = pid;
    part.channel = Channel(static_cast<UniqueFd&&>(ours), edge_to(part), edge_from(part));
    part.intro = Intro::Hello;
    part.cursor = 0;
    part.blocked = part.ready = false;
    part.retry_at = 0;
    part.held = Held{};
    if (part.role == Role::Log) all_streams_untold(state.table);
    if (part.role == Role::Engine) {
        link_parts(part, state.rpc);
        link_parts(part, state.log);
    } else {
        link_parts(part, state.engine);
    }
    if (part.resumed) set_event(state, part, PartEvent::Up, 0);
}

void on_part_death(State& state, Part& part, int wait_status) {
    pid_t pid = part.pid;
    part.pid = 0;
    part.ready = false;
    part.channel.close();
    for (UniqueFd& peer : part.peers) peer.reset();
    part.held = Held{};
    part.intro = Intro::Hello;
    part.blocked = false;
    part.retry_at = 0;
    if (state.finishing) return;
    if (part.role == Role::Engine) {
        abandon_reread(state);
        state.rpc.event_untold = state.log.event_untold = false;
    }
    part.resumed = true;
    restart_later(state, part, mono_ms() - part.started_at, static_cast<std::uint32_t>(wait_status));
    char when[32] = "at once";
    if (part.delay_s > 0) std::snprintf(when, sizeof when, "in %u s", part.delay_s);
    if (part.killed_for != nullptr) {
        say(state, Level::Critical, "%s (pid %d) was killed: %s; starting it again %s", part.binary,
            static_cast<int>(pid), part.killed_for, when);
    } else {
        say(state, Level::Error, "%s (pid %d) died: %s; starting it again %s", part.binary,
            static_cast<int>(pid), how_ended(wait_status).text, when);
    }
    part.killed_for = nullptr;
}

void kill_part(Part& part, const char* reason) {
    part.killed_for = reason;
    part.channel.close();
    if (part.pid != 0) ::kill(part.pid, SIGKILL);
}

void look_after_parts(State& state, std::uint64_t now, std::uint64_t& next) {
    for (Part* part : {&state.log, &state.rpc, &state.engine}) {
        bool leaving = state.finishing || state.stopping_alone;
        if (part->restart_at != 0 && now >= part->restart_at && !leaving) start_part(state, *part);
        if (part->restart_at != 0 && part->restart_at < next && !leaving) next = part->restart_at;
        if (part->retry_at != 0 && now >= part->retry_at) part->retry_at = 0;
    }
    Part& engine = state.engine;
    if (engine.pid != 0 && !engine.ready && engine.channel.open() && !state.finishing) {
        std::uint64_t due = engine.started_at + kReadyMs;
        if (now >= due) {
            kill_part(engine, "was not ready within 10 s");
        } else if (due < next) {
            next = due;
        }
    }
}

}  // namespace reeve
