// What the spawner has in hand: its parts, its table, its descriptors. One object, made in main() and passed
// by reference to every function; there are no other variables.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "common/base/channel.hpp"
#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"
#include "spawner/table.hpp"

namespace reeve {

// An answer that the socket could not take. Nothing more is read from that part until it is sent, so there is
// never more than one.
struct Held {
    bool full = false;
    Msg type{};
    std::uint32_t serial = 0;
    std::size_t size = 0;
    alignas(8) std::array<std::byte, 64> body{};
    std::array<UniqueFd, 2> fds;
    std::size_t fd_count = 0;
};

// How far a part has been told what it must know first. The order is that of the messages.
enum class Intro : std::uint8_t {
    Hello,
    Configs,
    Groups,
    Slots,
    SlotsEnd,
    Streams,
    Peers,
    Listeners,
    Start,
    Done
};

struct Part {
    Role role = Role::Spawner;
    const char* binary = "";  // file name
    pid_t pid = 0;            // 0: not running
    Channel channel;
    Intro intro = Intro::Hello;
    std::uint32_t cursor = 0;       // within a step of the introduction
    bool blocked = false;           // the last send found no room: wait until it is writable
    std::uint64_t retry_at = 0;     // ms; or wait until then, as the socket does not say when (0: no)
    bool resumed = false;           // it replaces one that died
    bool ready = false;             // engine: READY was received
    std::array<UniqueFd, 4> peers;  // by Role: ends of new edges that are still to be handed over
    Held held;
    std::uint64_t started_at = 0;      // ms
    std::uint64_t restart_at = 0;      // ms; 0: no restart is due
    std::uint32_t delay_s = 0;         // of the last restart
    const char* killed_for = nullptr;  // the rule that it broke, until it is reaped
    bool event_untold = false;         // log writer and front: PART is to be sent to the engine
    PartEvent event = PartEvent::Up;
    std::uint32_t event_status = 0;

    bool told() const { return intro == Intro::Done; }
    // It may answer as soon as it has all but its peers, which can take longer.
    bool may_speak() const { return intro >= Intro::Peers; }
};

// A listening socket of a server; indices as in the boot image.
struct Listener {
    UniqueFd fd;
    std::uint64_t device = 0, inode = 0;  // of the file of a unix socket
    int watch = -1;                       // inotify's
    std::uint64_t retry_at = 0;           // ms; when to look whether the file is gone (0: not due)
    std::uint32_t retry_s = 0;
    bool untold = false;  // LISTENER is to be sent again
};

// The shared socket of a FastCGI program: open while at least one process uses it.
struct FcgiSocket {
    std::uint32_t generation = 0;
    std::uint32_t index = 0;  // among the FastCGI sockets of that image
    std::uint32_t users = 0;  // 0: this place is free
    UniqueFd fd;
};
constexpr std::size_t kMaxFcgi = 1024;  // open at one time

// A run of confread for a re-read.
struct Reread {
    pid_t pid = 0;                 // 0: none
    bool wanted = false;           // RELOAD is open
    std::uint32_t serial = 0;      // of RELOAD
    UniqueFd image, view, errors;  // errors: read end of confread's stderr
    std::uint64_t deadline = 0;    // ms
    bool answer_untold = false;    // CONFIG or CONFIG_FAILED is to be sent
    bool failed = false;
    std::uint32_t exit_status = 0;
    std::size_t text_size = 0;
    std::array<char, kMaxText> text{};
};

struct State {
    Table table;
    Part engine, rpc, log;

    // As it was started.
    int argc = 0;
    char** argv = nullptr;
    bool root = false;  // effective uid 0, after the change of user
    bool foreground = false;
    bool resumed = false;      // it has executed itself: daemonized and limits are as they were
    std::uint64_t carry = 0;   // from FINISH of the life before; what the next one gets
    UniqueFd start_directory;  // where it was started: relative paths of the command line
    std::uint64_t child_files_soft = 0, child_files_hard = 0;  // RLIMIT_NOFILE of programs
    std::array<bool, 256> inherited{};                         // descriptors that were open at the start
    bool may_change_user = false;  // root with the capabilities for it: parts get accounts of their own
    bool may_kill = false;         // root that may signal programs of other users
    bool may_chroot = false;       // and those to shut the parts in
    UniqueFd empty_directory;      // for the parts' chroot

    // The main log.
    Level loglevel = Level::Info;
    UniqueFd main_log;
    bool main_log_special = false;
    UniqueFd syslog;       // logfile=syslog: own lines go there
    bool console = false;  // lines go to stdout as well

    std::unique_ptr<Listener[]> listeners;
    std::uint32_t listener_count = 0;
    UniqueFd inotify;
    std::array<FcgiSocket, kMaxFcgi> fcgi;
    UniqueFd pidfile;  // locked
    UniqueFd signals;  // signalfd

    Reread reread;
    std::uint32_t signals_untold = 0;  // bit signo: SIGNAL is to be sent to the engine
    std::uint64_t stop_deadline = 0;   // ms; TERM is open and there is no engine (0: not so)
    std::uint64_t kill_deadline = 0;   // ms; when children that survive the spawner's own TERM are killed
    bool stopping_alone = false;
    std::uint32_t stopping = 0;  // kHelloStopping or kHelloRestarting, as the engine said
    bool finishing = false;
    FinishMode finish_mode = FinishMode::Exit;
    std::uint64_t finish_deadline = 0;  // ms; when parts that do not leave are killed

    std::uint64_t spawn_tokens = 0;  // thousandths of a SPAWN
    std::uint64_t spawn_burst = 0;   // the most that it ever could hold
    std::uint64_t tokens_at = 0;     // ms; when they were last filled up

    std::uint64_t orphan_line_at = 0;  // ms; one line a second about unknown children
    std::uint32_t orphans_unsaid = 0;

    ReceiveBuffer buffer;

    Part* part(Role role) {
        switch (role) {
            case Role::Engine: return &engine;
            case Role::Rpc: return &rpc;
            case Role::Log: return &log;
            case Role::Spawner: break;
        }
        return nullptr;
    }
};

// Sends an answer to a request, or holds it until the socket takes it. fds stay the caller's.
void answer_raw(Part& part, Msg type, std::uint32_t serial, std::span<const std::byte> body,
                std::span<const int> fds);
template <typename Body>
void answer(Part& part, Msg type, std::uint32_t serial, const Body& body, std::span<const int> fds = {}) {
    static_assert(sizeof(Body) <= sizeof(Held::body));
    answer_raw(part, type, serial, {reinterpret_cast<const std::byte*>(&body), sizeof body}, fds);
}

}  // namespace reeve
