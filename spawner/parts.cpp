// Starting, linking and watching the parts. See parts.hpp.
#include "spawner/parts.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reeve_config.hpp"
#include "spawner/confread_run.hpp"
#include "spawner/loop.hpp"
#include "spawner/part_exec.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kShortLifeMs = 10'000;
constexpr std::uint32_t kLongestDelayS = 60;
constexpr std::uint64_t kReadyMs = 10'000;
constexpr int kLastTurns = 128;  // more than an edge holds

// A new edge between two living parts, replacing what they had.
void link_parts(Part& one, Part& other) {
    UniqueFd ones, others;
    if (one.pid == 0 || other.pid == 0) return;
    if (!make_channel_pair(ones, others)) return kill_part(one, "it cannot be linked with the others");
    one.peers[static_cast<std::size_t>(other.kind.role)] = static_cast<UniqueFd&&>(ones);
    other.peers[static_cast<std::size_t>(one.kind.role)] = static_cast<UniqueFd&&>(others);
}

// The log writer gets every stream again.
void all_streams_untold(Table& table) {
    for (std::uint32_t i = 0; Slot* slot = table.from(i); ++i) {
        for (std::size_t which = 0; which < 2; ++which) slot->stream_untold[which] = slot->out[which].valid();
        slot->drain_untold = slot->draining;
    }
    table.streams_untold = true;
}

void restart_later(Part& part, std::uint64_t lived_ms) {
    part.delay_s = lived_ms >= kShortLifeMs ? 0 : std::clamp(part.delay_s * 2, 1U, kLongestDelayS);
    part.restart_at = mono_ms() + std::uint64_t{part.delay_s} * 1000;
}

}  // namespace

bool own_path(char* out, std::size_t size) {
    ssize_t length = ::readlink("/proc/self/exe", out, size - 1);
    out[std::max<ssize_t>(length, 0)] = 0;
    return length > 0;
}

void find_program(const char* name, char* out, std::size_t size) {
    char self[1024];
    if (own_path(self, sizeof self)) {
        std::snprintf(out, size, "%.*s/%s", static_cast<int>(std::strrchr(self, '/') - self), self, name);
        if (::access(out, X_OK) == 0) return;
    }
    std::snprintf(out, size, "%s/%s", REEVE_LIBEXECDIR, name);
}

void start_part(State& state, Part& part) {
    part.restart_at = 0;
    part.started_at = mono_ms();
    char path[2048];
    UniqueFd ours, theirs;
    find_program(part.kind.binary, path, sizeof path);
    pid_t pid = make_channel_pair(ours, theirs) ? ::fork() : -1;
    if (pid == 0) exec_part_in_child(state, part, path, theirs.get());
    if (pid < 0) {
        say(state, Level::Error, "cannot start %s: %s", part.kind.binary, std::strerror(errno));
        return restart_later(part, 0);
    }
    // Nothing flows from the front to the spawner: that direction does not exist.
    if (&part == &state.rpc) ::shutdown(ours.get(), SHUT_RD);
    part.pid = pid;
    part.channel = Channel(static_cast<UniqueFd&&>(ours), part.kind.out, part.kind.in);
    if (&part == &state.log) all_streams_untold(state.table);
    for (Part* other : state.parts) {
        if ((&part == &state.engine) != (other == &state.engine)) link_parts(part, *other);
    }
}

void on_part_death(State& state, Part& part, int wait_status) {
    int pid = part.pid;
    part.pid = 0;  // it is reaped: nothing may be sent to that number any more
    part.held = Held{};
    // Its last words count: an exit that it has acknowledged is not to be told to its successor.
    for (int i = 0; i < kLastTurns && part.channel.open() && !state.finishing; ++i) read_part(state, part);
    static_cast<PartLife&>(part) = PartLife{};
    if (state.finishing) return;
    if (&part == &state.engine) abandon_reread(state);
    part.resumed = true;
    restart_later(part, mono_ms() - part.started_at);
    char when[32] = "at once";
    if (part.delay_s > 0) std::snprintf(when, sizeof when, "in %u s", part.delay_s);
    bool killed = part.killed_for != nullptr;
    say(state, killed ? Level::Critical : Level::Error,
        killed ? "%s (pid %d) was killed: %s; starting it again %s"
               : "%s (pid %d) died: %s; starting it again %s",
        part.kind.binary, pid, killed ? part.killed_for : how_ended(wait_status).text, when);
    part.killed_for = nullptr;
}

void kill_part(Part& part, const char* reason) {
    part.killed_for = reason;
    part.channel.close();
    if (part.pid != 0) ::kill(part.pid, SIGKILL);
}

void look_after_parts(State& state, std::uint64_t now, std::uint64_t& next) {
    if (state.finishing || state.stopping_alone) return;
    for (Part* part : state.parts) {
        if (part->restart_at != 0 && now >= part->restart_at) start_part(state, *part);
        if (part->restart_at != 0) next = std::min(next, part->restart_at);
    }
    Part& engine = state.engine;
    if (engine.ready || !engine.channel.open()) return;
    if (now >= engine.started_at + kReadyMs) return kill_part(engine, "was not ready within 10 s");
    next = std::min(next, engine.started_at + kReadyMs);
}

}  // namespace reeve
