// What the parts are told, and in which order. See tell.hpp.
#include "spawner/tell.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "reeve_config.hpp"
#include "spawner/child_start.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kRetryMs = 20;       // when the kernel has too many descriptors in flight
constexpr std::size_t kListenerTail = 4096;  // as of the catalogue

HelloBody hello_of(const State& state, const Part& part) {
    HelloBody hello{};
    hello.protocol = kProtocol;
    hello.flags = (state.root ? kHelloRoot : 0) | (state.foreground ? kHelloForeground : 0) |
                  (::getpid() == 1 ? kHelloPid1 : 0) | (part.resumed ? kHelloResume : 0) |
                  (state.console ? kHelloConsole : 0) | state.stopping;
    hello.daemon_pid = static_cast<std::uint32_t>(::getpid());
    hello.loglevel = static_cast<std::uint32_t>(state.loglevel);
    hello.carry = state.carry;
    return hello;
}

bool tell_peers(State& state, Part& part) {
    for (std::size_t i = 0; i < part.peers.size(); ++i) {
        if (!part.peers[i].valid()) continue;
        Msg type = &part == &state.engine ? Msg::PEER : &part == &state.log ? Msg::L_PEER : Msg::R_PEER;
        int fd = part.peers[i].get();
        if (!tell(part, type, 0, PeerBody{static_cast<Role>(i)}, {}, {&fd, 1})) return false;
        part.peers[i].reset();
    }
    return true;
}

bool tell_slot(State& state, Slot& slot) {
    SlotBody body{};
    body.slot = state.table.number_of(slot);
    body.state = slot.state;
    if (slot.state != SlotState::Empty) {
        body.pid = static_cast<std::uint32_t>(slot.pid);
        body.start_us = slot.start_us;
        body.start_mono_us = slot.start_mono_us;
    }
    if (slot.state == SlotState::Exited) {
        body.wait_status = static_cast<std::uint32_t>(slot.wait_status);
        body.end_us = slot.end_us;
    }
    body.killed = slot.stop_signalled ? 1 : 0;
    std::memcpy(body.note, slot.note.data(), sizeof body.note);
    int fds[2];
    std::size_t count = 0;
    body.fds = engine_fds(state, slot, fds, count);
    if (!tell(state.engine, Msg::SLOT, slot.serial, body, {}, {fds, count})) return false;
    slot.exit_untold = false;  // it is told by this message
    return true;
}

bool introduce_engine(State& state) {
    Part& engine = state.engine;
    auto next = [&engine](Intro step) {
        engine.intro = step;
        engine.cursor = 0;
    };
    if (engine.intro == Intro::Hello) {
        if (!tell(engine, Msg::HELLO, 0, hello_of(state, engine))) return false;
        next(Intro::Configs);
    }
    while (engine.intro == Intro::Configs) {
        Generation* generation = state.table.generation_after(engine.cursor);
        if (generation == nullptr) {
            next(Intro::Groups);
            break;
        }
        int fd = generation->view.get();
        if (!tell(engine, Msg::CONFIG, 0, ConfigBody{generation->number, generation->view_size}, {},
                  {&fd, 1}))
            return false;
        engine.cursor = generation->number;
    }
    while (engine.intro == Intro::Groups) {
        const ActiveGroup* group = state.table.active_group(engine.cursor);
        if (group == nullptr) {
            next(Intro::Slots);
            break;
        }
        if (!tell(engine, Msg::GROUP, 0, GroupBody{group->generation, group->group, group->first_slot}))
            return false;
        ++engine.cursor;
    }
    while (engine.intro == Intro::Slots) {
        if (engine.cursor == state.table.high()) {
            next(Intro::SlotsEnd);
            break;
        }
        Slot* slot = state.table.find(engine.cursor);
        if (slot != nullptr && !tell_slot(state, *slot)) return false;
        ++engine.cursor;
    }
    if (engine.intro == Intro::SlotsEnd) {
        std::uint32_t groups = 0;
        while (state.table.active_group(groups) != nullptr) ++groups;
        if (!tell(engine, Msg::SLOTS_END, 0, SlotsEndBody{groups, state.table.active_slots()})) return false;
        next(Intro::Peers);
    }
    if (engine.intro == Intro::Peers) {
        if (!tell_peers(state, engine)) return false;
        next(Intro::Done);
    }
    return true;
}

// One of the streams beyond the slots; fd is not handed out if it is invalid.
bool tell_own_stream(State& state, std::uint32_t stream, StreamKind kind, int fd, std::uint32_t flags) {
    const LogRec& log = state.table.boot().daemon().log;
    StreamBody body{};
    body.stream = stream;
    body.kind = kind;
    body.slot = kNoSlot;
    body.flags = flags | (fd >= 0 ? kStreamFile : 0);
    if (kind == StreamKind::MainLog) {
        body.maxbytes = log.maxbytes;
        body.backups = log.backups;
        if (log.kind == LogKind::Syslog) body.flags |= kStreamMainSyslog;
    }
    std::string_view name = "supervisord";
    return tell(state.log, Msg::STREAM, 0, body, as_bytes(name), {&fd, fd >= 0 ? 1U : 0U});
}

bool introduce_log(State& state) {
    Part& log = state.log;
    if (log.intro == Intro::Hello) {
        if (!tell(log, Msg::L_HELLO, 0, hello_of(state, log))) return false;
        log.intro = Intro::Streams;
    }
    while (log.intro == Intro::Streams) {
        if (log.cursor == 0) {
            std::uint32_t flags = kStreamShared | (state.main_log_special ? kStreamSpecial : 0);
            if (!tell_own_stream(state, kMainLogStream, StreamKind::MainLog, state.main_log.get(), flags))
                return false;
        } else if (log.cursor == 1 && state.console) {
            std::uint32_t flags = kStreamShared | kStreamSpecial;
            if (!tell_own_stream(state, kConsoleStream, StreamKind::Console, STDOUT_FILENO, flags))
                return false;
        } else if (log.cursor == 2) {
            UniqueFd syslog = connect_syslog();
            if (syslog.valid() && !tell_own_stream(state, kSyslogStream, StreamKind::Syslog, syslog.get(), 0))
                return false;
        } else if (log.cursor == 3) {
            log.intro = Intro::Peers;
        }
        ++log.cursor;
    }
    if (log.intro == Intro::Peers) {
        if (!tell_peers(state, log)) return false;
        log.intro = Intro::Done;
    }
    return true;
}

bool tell_listener(State& state, std::uint32_t id) {
    const SpawnerImage& image = state.table.boot();
    const ListenerRec& rec = image.listener(id);
    bool is_unix = rec.address.family == AF_UNIX;
    ListenerBody body{id, rec.address.family, is_unix ? 0 : rec.port,
                      rec.authenticated != 0 ? kListenerAuthenticated : 0};
    // Path or host, and behind a NUL the names by which browsers may call it.
    char tail[kListenerTail];
    std::string_view shown = image.text(is_unix ? rec.path : rec.shown);
    std::string_view hosts = image.text(rec.allowed_hosts);
    std::size_t size = shown.copy(tail, sizeof tail);
    if (rec.allowed_hosts.offset != kAbsent && size + 1 + hosts.size() <= sizeof tail) {
        tail[size++] = 0;
        size += hosts.copy(tail + size, sizeof tail - size);
    }
    int fd = state.listeners[id].fd.get();
    if (!tell(state.rpc, Msg::LISTENER, 0, body, as_bytes({tail, size}), {&fd, 1})) return false;
    state.listeners[id].untold = false;
    return true;
}

bool introduce_rpc(State& state) {
    Part& rpc = state.rpc;
    if (rpc.intro == Intro::Hello) {
        if (!tell(rpc, Msg::R_HELLO, 0, hello_of(state, rpc))) return false;
        rpc.intro = Intro::Peers;
    }
    if (rpc.intro == Intro::Peers) {
        if (!tell_peers(state, rpc)) return false;
        rpc.intro = Intro::Listeners;
    }
    while (rpc.intro == Intro::Listeners) {
        if (rpc.cursor == state.listener_count) {
            rpc.intro = Intro::Start;
            break;
        }
        if (!tell_listener(state, rpc.cursor)) return false;
        ++rpc.cursor;
    }
    if (rpc.intro == Intro::Start) {
        const std::uint32_t* limits = state.table.boot().daemon().limits;
        StartBody body{limits[0], limits[1], limits[2], limits[3], limits[4], state.listener_count};
        if (!tell(rpc, Msg::START, 0, body, as_bytes(REEVE_VERSION))) return false;
        rpc.intro = Intro::Done;
    }
    return true;
}

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
    if (reread.failed) {
        ConfigFailedBody body{reread.exit_status};
        std::string_view text(reread.text.data(), reread.text_size);
        if (!tell(state.engine, Msg::CONFIG_FAILED, reread.serial, body, as_bytes(text))) return false;
    } else {
        Generation* newest = state.table.generation(state.table.newest());
        int fd = newest->view.get();
        ConfigBody body{newest->number, newest->view_size};
        if (!tell(state.engine, Msg::CONFIG, reread.serial, body, {}, {&fd, 1})) return false;
    }
    reread.answer_untold = reread.wanted = false;
    return true;
}

void tell_engine(State& state) {
    Part& engine = state.engine;
    if (!send_held(engine) || !introduce_engine(state) || !tell_peers(state, engine)) return;
    for (Part* part : {&state.rpc, &state.log}) {
        if (!part->event_untold) continue;
        if (!tell(engine, Msg::PART, 0, PartBody{part->role, part->event, part->event_status, part->delay_s}))
            return;
        part->event_untold = false;
    }
    if (!tell_reread(state)) return;
    for (std::uint32_t signo = 1; engine.ready && state.signals_untold != 0 && signo < 32; ++signo) {
        if ((state.signals_untold & (1U << signo)) == 0) continue;
        if (!tell(engine, Msg::SIGNAL, 0, SignalBody{signo})) return;
        state.signals_untold &= ~(1U << signo);
        // Whatever becomes of this engine, the next one is to know.
        if (signo == SIGTERM || signo == SIGINT || signo == SIGQUIT) state.stopping = kHelloStopping;
    }
    if (!state.table.exits_untold) return;
    for (std::uint32_t i = 0; i < state.table.high(); ++i) {
        Slot* slot = state.table.find(i);
        if (slot == nullptr || !slot->exit_untold) continue;
        ExitedBody body{i, static_cast<std::uint32_t>(slot->wait_status), slot->end_us};
        if (!tell(engine, Msg::EXITED, slot->serial, body)) return;
        slot->exit_untold = false;
    }
    state.table.exits_untold = false;
}

void tell_log(State& state) {
    Part& log = state.log;
    if (!send_held(log) || !introduce_log(state) || !tell_peers(state, log) || !state.table.streams_untold)
        return;
    for (std::uint32_t i = 0; i < state.table.high(); ++i) {
        Slot* slot = state.table.find(i);
        if (slot == nullptr) continue;
        for (std::size_t which = 0; which < 2; ++which) {
            if (!slot->stream_untold[which]) continue;
            // Without a pipe there is no output any more that a log writer could move.
            if (slot->out[which].valid() && !tell_stream(state, *slot, which == 1)) return;
            slot->stream_untold[which] = false;
        }
        if (slot->drain_untold) {
            if (!tell(log, Msg::DRAIN, slot->serial, DrainBody{i})) return;
            slot->drain_untold = false;
        }
    }
    state.table.streams_untold = false;
}

void tell_rpc(State& state) {
    if (!introduce_rpc(state) || !tell_peers(state, state.rpc)) return;
    for (std::uint32_t id = 0; id < state.listener_count; ++id) {
        if (state.listeners[id].untold && !tell_listener(state, id)) return;
    }
}

bool can_take(const Part& part) { return part.channel.open() && !part.blocked && part.retry_at == 0; }

}  // namespace

bool tell_raw(Part& part, Msg type, std::uint32_t serial, std::span<const std::byte> body,
              std::span<const std::byte> tail, std::span<const int> fds) {
    if (!can_take(part)) return false;
    switch (part.channel.send_raw(type, serial, body, tail, fds)) {
        case Send::Sent: return true;
        case Send::Full: part.blocked = true; break;
        case Send::TooManyFds: part.retry_at = mono_ms() + kRetryMs; break;
        case Send::Gone:
            // It has closed its end, so it leaves or has to: waitpid tells when it is gone.
            part.channel.close();
            if (part.pid != 0) ::kill(part.pid, SIGKILL);
            break;
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
