// What the parts are told, and in which order. See tell.hpp.
#include "spawner/tell.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cstring>

#include "reeve_config.hpp"
#include "spawner/logfile.hpp"
#include "spawner/parts.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kRetryMs = 20;       // when the kernel has too many descriptors in flight
constexpr std::size_t kListenerTail = 4096;  // as of the catalogue

// ---- what a part must know first, step by step ----------------------------------------------------------

// What came of a step with the part's cursor: that item is told (or is none for this part), it has to wait,
// or there are no more.
enum class Step { Told, Blocked, Over };
using Teller = Step (*)(State&, Part&);

Step told_if(bool sent) { return sent ? Step::Told : Step::Blocked; }
Step over_if(bool sent) { return sent ? Step::Over : Step::Blocked; }  // there is only one item

Step hello(State& state, Part& part) {
    auto pid = static_cast<std::uint32_t>(::getpid());
    std::uint32_t flags = (state.root ? kHelloRoot : 0) | (state.foreground ? kHelloForeground : 0) |
                          (pid == 1 ? kHelloPid1 : 0) | (part.resumed ? kHelloResume : 0) |
                          (state.console ? kHelloConsole : 0) | state.stopping;
    HelloBody body{kProtocol, flags, pid, static_cast<std::uint32_t>(state.loglevel), state.life.carry};
    return over_if(tell(part, part.kind.hello, 0, body));
}

bool tell_peers(Part& part) {
    for (std::size_t i = 0; i < part.peers.size(); ++i) {
        int fd = part.peers[i].get();
        if (fd < 0) continue;
        if (!tell(part, part.kind.peer, 0, PeerBody{static_cast<Role>(i)}, {}, {&fd, 1})) return false;
        part.peers[i].reset();
    }
    return true;
}

Step peers(State&, Part& part) {
    part.may_speak = true;  // it has all else, and edges may take their time
    return over_if(tell_peers(part));
}

bool tell_config(State& state, const Generation& generation, std::uint32_t serial) {
    int fd = generation.view.get();
    return tell(state.engine, Msg::CONFIG, serial, ConfigBody{generation.number, generation.view_size}, {},
                {&fd, 1});
}

Step configs(State& state, Part& engine) {
    Generation* generation = state.table.generation_from(engine.cursor);
    if (generation == nullptr) return Step::Over;
    engine.cursor = generation->number;
    return told_if(tell_config(state, *generation, 0));
}

Step groups(State& state, Part& engine) {
    const GroupBody* group = state.table.active_group(engine.cursor);
    return group == nullptr ? Step::Over : told_if(tell(engine, Msg::GROUP, 0, *group));
}

Step slots(State& state, Part& engine) {
    Slot* slot = state.table.from(engine.cursor);
    if (slot == nullptr) return Step::Over;
    EngineFds fds = engine_fds(state, *slot);
    SlotBody body = *slot;
    body.fds = fds.flags;
    if (!tell(engine, Msg::SLOT, slot->serial, body, {}, fds.all())) return Step::Blocked;
    slot->exit_untold = false;  // it is told by this message
    return Step::Told;
}

Step slots_end(State& state, Part& engine) {
    SlotsEndBody body{state.table.active_groups(), state.table.active_slots()};
    return over_if(tell(engine, Msg::SLOTS_END, 0, body));
}

// The streams beyond the slots. fd may be -1.
Step own_stream(State& state, StreamBody body, int fd) {
    body.flags |= fd >= 0 ? kStreamFile : 0;
    return over_if(tell(state.log, Msg::STREAM, 0, body, as_bytes("supervisord"), {&fd, fd >= 0 ? 1U : 0U}));
}

Step main_log(State& state, Part&) {
    const LogRec& rec = state.table.boot().daemon().log;
    std::uint32_t flags = kStreamShared | (state.main_log_special ? kStreamSpecial : 0) |
                          (rec.kind == LogKind::Syslog ? kStreamMainSyslog : 0);
    StreamBody body{kMainLogStream, StreamKind::MainLog, kNoSlot, flags, rec.maxbytes, rec.backups, 0, 0, 0};
    return own_stream(state, body, state.main_log.get());
}

Step console(State& state, Part&) {
    constexpr std::uint32_t kFlags = kStreamShared | kStreamSpecial;
    if (!state.console) return Step::Over;
    return own_stream(state, {kConsoleStream, StreamKind::Console, kNoSlot, kFlags, 0, 0, 0, 0, 0},
                      STDOUT_FILENO);
}

Step syslog(State& state, Part&) {
    UniqueFd fd = connect_syslog();
    if (!fd.valid()) return Step::Over;
    return own_stream(state, {kSyslogStream, StreamKind::Syslog, kNoSlot, 0, 0, 0, 0, 0, 0}, fd.get());
}

bool tell_listener(State& state, std::uint32_t id) {
    const SpawnerImage& image = state.table.boot();
    const ListenerRec& rec = image.listener(id);
    bool is_unix = rec.address.family == AF_UNIX;
    ListenerBody body{id, rec.address.family, is_unix ? 0 : rec.port,
                      rec.authenticated != 0 ? kListenerAuthenticated : 0, rec.limits};
    // Path or host, and behind a NUL the names by which browsers may call it.
    char tail[kListenerTail];
    std::string_view hosts = image.text(rec.allowed_hosts);
    std::size_t size = image.text(is_unix ? rec.path : rec.shown).copy(tail, sizeof tail);
    if (rec.allowed_hosts.offset != kAbsent && size + 1 + hosts.size() <= sizeof tail) {
        tail[size++] = 0;
        size += hosts.copy(tail + size, sizeof tail - size);
    }
    int fd = state.listeners[id].fd.get();
    if (!tell(state.rpc, Msg::LISTENER, 0, body, as_bytes({tail, size}), {&fd, 1})) return false;
    state.listeners[id].untold = false;
    return true;
}

Step listeners(State& state, Part& rpc) {
    return rpc.cursor == state.listener_count ? Step::Over : told_if(tell_listener(state, rpc.cursor));
}

Step start(State& state, Part& rpc) {
    return over_if(tell(rpc, Msg::START, 0, StartBody{state.listener_count}, as_bytes(REEVE_VERSION)));
}

constexpr Teller kEngineSteps[] = {hello, configs, groups, slots, slots_end, peers, nullptr};
constexpr Teller kLogSteps[] = {hello, main_log, console, syslog, peers, nullptr};
constexpr Teller kRpcSteps[] = {hello, peers, listeners, start, nullptr};

// True when the part has been told everything.
bool introduce(State& state, Part& part, const Teller* steps) {
    while (!part.told) {
        switch (steps[part.step](state, part)) {
            case Step::Told: ++part.cursor; break;
            case Step::Blocked: return false;
            case Step::Over: part.cursor = 0; part.told = steps[++part.step] == nullptr;
        }
    }
    return true;
}

// ---- news -----------------------------------------------------------------------------------------------

bool send_held(Part& part) {
    Held& held = part.held;
    if (!held.full) return true;
    int fds[2] = {held.fds[0].get(), held.fds[1].get()};
    if (!tell_raw(part, held.type, held.serial, {held.body.data(), held.size}, {}, {fds, held.fd_count}))
        return false;
    held = Held{};
    return true;
}

bool tell_reread(State& state) {
    Reread& reread = state.reread;
    if (!reread.answer_untold) return true;
    bool sent = reread.failed
                    ? tell(state.engine, Msg::CONFIG_FAILED, reread.serial,
                           ConfigFailedBody{reread.exit_status}, as_bytes(reread.text.data()))
                    : tell_config(state, *state.table.generation(state.table.newest()), reread.serial);
    if (sent) reread.answer_untold = reread.wanted = false;
    return sent;
}

bool tell_signals(State& state) {
    for (std::uint32_t& open = state.life.signals; state.engine.ready && open != 0; open &= open - 1) {
        std::uint32_t signo = static_cast<std::uint32_t>(std::countr_zero(open));
        if (!tell(state.engine, Msg::SIGNAL, 0, SignalBody{signo})) return false;
        // Whatever becomes of this engine, the next one is to know.
        if (signo == SIGTERM || signo == SIGINT || signo == SIGQUIT) state.stopping = kHelloStopping;
    }
    return true;
}

void tell_engine(State& state) {
    Part& engine = state.engine;
    if (!send_held(engine) || !introduce(state, engine, kEngineSteps) || !tell_peers(engine)) return;
    if (!tell_reread(state) || !tell_signals(state) || !state.table.exits_untold) return;
    for (std::uint32_t i = 0; Slot* slot = state.table.from(i); ++i) {
        ExitedBody body{i, slot->wait_status, slot->end_us};
        if (slot->exit_untold && !tell(engine, Msg::EXITED, slot->serial, body)) return;
        slot->exit_untold = false;
    }
    state.table.exits_untold = false;
}

}  // namespace

bool tell_stream(State& state, const Slot& slot, bool is_stderr, const FileResult& file) {
    constexpr std::uint32_t kCopied = kStreamShared | kStreamStripAnsi | kStreamSyslog | kStreamEvents;
    int pipe = slot.out[is_stderr ? 1 : 0].get();
    if (pipe < 0) return true;  // without one there is no output any more that a log writer could move
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    const LogRec& log = is_stderr ? proc.err : proc.out;
    bool to_engine = !is_stderr && proc.kind == ProgramKind::EventListener;
    StreamKind kind = is_stderr ? StreamKind::Stderr : StreamKind::Stdout;
    if (to_engine) kind = StreamKind::ListenerStdout;
    std::uint32_t flags = (log.stream_flags & kCopied) | (to_engine ? 0 : kStreamPipe);
    if (file.fd.valid()) flags |= kStreamFile | (file.special ? kStreamSpecial : 0);
    std::uint32_t stream = stream_of(slot.slot, is_stderr);
    StreamBody body{stream, kind, slot.slot, flags, log.maxbytes, log.backups, log.capture_max, slot.pid, 0};
    int fds[2];
    std::size_t count = 0;
    if (!to_engine) fds[count++] = pipe;
    if (file.fd.valid()) fds[count++] = file.fd.get();
    return tell(state.log, Msg::STREAM, slot.serial, body, as_bytes(image.text(proc.name).substr(0, 255)),
                {fds, count});
}

namespace {

void tell_log(State& state) {
    Part& log = state.log;
    if (!send_held(log) || !introduce(state, log, kLogSteps) || !tell_peers(log) ||
        !state.table.streams_untold)
        return;
    for (std::uint32_t i = 0; Slot* slot = state.table.from(i); ++i) {
        for (bool is_stderr : {false, true}) {
            if (slot->stream_untold[is_stderr] &&
                !tell_stream(state, *slot, is_stderr, do_slot_log(state, *slot, is_stderr, FileOp::Reopen)))
                return;
            slot->stream_untold[is_stderr] = false;
        }
        if (slot->drain_untold && !tell(log, Msg::DRAIN, slot->serial, DrainBody{i})) return;
        slot->drain_untold = false;
    }
    state.table.streams_untold = false;
}

void tell_rpc(State& state) {
    if (!introduce(state, state.rpc, kRpcSteps) || !tell_peers(state.rpc)) return;
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        if (state.listeners[id].untold && !tell_listener(state, id)) return;
    }
}

bool can_take(const Part& part) { return part.channel.open() && !part.blocked && mono_ms() >= part.retry_at; }

}  // namespace

EngineFds engine_fds(State& state, const Slot& slot) {
    EngineFds out;
    if (slot.in.valid()) {
        out.flags |= kFdStdin;
        out.fds[out.count++] = slot.in.get();
    }
    if (state.table.definition(slot).kind == ProgramKind::EventListener && slot.out[0].valid()) {
        out.flags |= kFdListenerStdout;
        out.fds[out.count++] = slot.out[0].get();
    }
    return out;
}

bool tell_raw(Part& part, Msg type, std::uint32_t serial, std::span<const std::byte> body,
              std::span<const std::byte> tail, std::span<const int> fds) {
    if (part.pid == 0) return true;  // it is dead, and only its last words are still read
    if (!can_take(part)) return false;
    switch (part.channel.send_raw(type, serial, body, tail, fds)) {
        case Send::Sent: return true;
        case Send::Full: part.blocked = true; break;
        case Send::TooManyFds: part.retry_at = mono_ms() + kRetryMs; break;
        case Send::Gone: kill_part(part, nullptr);
    }
    return false;
}

void answer_raw(Part& part, Msg type, std::uint32_t serial, std::span<const std::byte> body,
                std::span<const int> fds) {
    if (tell_raw(part, type, serial, body, {}, fds) || !part.channel.open()) return;
    Held& held = part.held;
    held.full = true;
    held.type = type;
    held.serial = serial;
    held.size = body.size();
    std::memcpy(held.body.data(), body.data(), body.size());
    held.fd_count = fds.size();
    for (std::size_t i = 0; i < fds.size(); ++i) held.fds[i].reset(::fcntl(fds[i], F_DUPFD_CLOEXEC, 3));
}

void tell_all(State& state) {
    if (can_take(state.engine)) tell_engine(state);
    if (can_take(state.log)) tell_log(state);
    if (can_take(state.rpc)) tell_rpc(state);
}

}  // namespace reeve
