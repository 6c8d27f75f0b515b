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

// What is fixed about a part.
struct PartKind {
    Role role;
    const char* binary;  // file name
    Msg hello, peer;     // its messages of these purposes
    Edge out, in;        // of the spawner's end
};
constexpr PartKind kEngineKind{Role::Engine, "supervisor-engine", Msg::HELLO, Msg::PEER, Edge::SE, Edge::ES};
// Nothing that is on its way out can be meant for the spawner: whatever comes from the front breaks the rules.
constexpr PartKind kRpcKind{Role::Rpc, "supervisor-rpc", Msg::R_HELLO, Msg::R_PEER, Edge::SR, Edge::SR};
constexpr PartKind kLogKind{Role::Log, "supervisor-log", Msg::L_HELLO, Msg::L_PEER, Edge::SL, Edge::LS};

// What ends with a part's process.
struct PartLife {
    pid_t pid = 0;  // 0: not running
    Channel channel;
    std::uint32_t step = 0, cursor = 0;  // of what it is told first, and within that step
    bool told = false;                   // it knows everything
    bool may_speak = false;              // so far that it may answer
    bool ready = false;                  // engine: READY was received
    bool blocked = false;                // the last send found no room: wait until it is writable
    std::uint64_t retry_at = 0;          // ms; or wait until then, as the socket does not say when (0: no)
    std::array<UniqueFd, 4> peers;       // by Role: ends of new edges that are still to be handed over
    Held held;
};

struct Part : PartLife {
    explicit Part(const PartKind& what) : kind(what) {}

    const PartKind kind;
    bool resumed = false;              // it replaces one that died
    std::uint64_t started_at = 0;      // ms
    std::uint64_t restart_at = 0;      // ms; 0: no restart is due
    std::uint32_t delay_s = 0;         // of the last restart
    const char* killed_for = nullptr;  // the rule that it broke, until it is reaped
};

// A listening socket of a server; indices as in the boot image.
struct Listener {
    UniqueFd fd;
    std::uint64_t device = 0, inode = 0;  // of the file of a unix socket
    bool missed = false;                  // its file is gone, which was said
    bool untold = false;                  // LISTENER is to be sent again
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
    UniqueFd image, view, errors;  // errors: what confread says on stderr
    bool answer_untold = false;    // CONFIG or CONFIG_FAILED is to be sent
    bool failed = false;
    std::uint32_t exit_status = 0;
    std::array<char, kMaxText + 1> text{};  // ends with NUL
};

// What survives when the daemon executes itself (in a sealed memfd).
struct Life {
    char magic[8] = {'R', 'E', 'E', 'V', 'E', 'R', 'U', 'N'};
    std::uint64_t carry = 0;                       // from FINISH of the life before; what the next one gets
    std::uint64_t files_soft = 0, files_hard = 0;  // RLIMIT_NOFILE of programs
    std::uint32_t signals = 0;                     // bit signo: SIGNAL is to be sent to the engine
    std::int32_t start_directory = -1;             // where it was started: relative paths of the command line
    std::uint32_t daemonized = 0;
    std::uint32_t zero = 0;
};

struct State {
    Table table;
    Part engine{kEngineKind}, rpc{kRpcKind}, log{kLogKind};
    // In the order of their start.
    std::array<Part*, 3> parts{&log, &rpc, &engine};

    // As it was started.
    int argc = 0;
    char** argv = nullptr;
    char* time_zone[2] = {nullptr, nullptr};  // "TZ=...", as an environment
    bool root = false;                        // effective uid 0, after the change of user
    bool foreground = false;
    bool resumed = false;  // it has executed itself: daemonized and limits are as they were
    Life life;
    std::array<bool, 256> inherited{};  // descriptors that were open at the start
    bool may_change_user = false;       // root with the capabilities for it: parts get accounts of their own
    bool may_kill = false;              // root that may signal programs of other users
    bool may_chroot = false;            // and those to shut the parts in
    UniqueFd empty_directory;           // for the parts' chroot

    // The main log.
    Level loglevel = Level::Info;
    UniqueFd main_log;
    bool main_log_special = false;
    UniqueFd syslog;       // logfile=syslog: own lines go there
    bool console = false;  // lines go to stdout as well

    std::unique_ptr<Listener[]> listeners;
    std::uint32_t listener_count = 0;
    UniqueFd inotify;
    std::uint64_t look_at_sockets = 0;  // ms; when to look whether their files are there (0: not due)
    std::array<FcgiSocket, kMaxFcgi> fcgi;
    UniqueFd pidfile;  // locked
    UniqueFd signals;  // signalfd

    Reread reread;
    std::uint64_t stop_deadline = 0;  // ms; TERM is open and there is no engine: when to go on (0: not so)
    bool stopping_alone = false;
    std::uint32_t stopping = 0;  // kHelloStopping or kHelloRestarting, as the engine said
    bool finishing = false;
    FinishMode finish_mode = FinishMode::Exit;
    std::uint64_t finish_deadline = 0;  // ms; when parts that do not leave are killed

    // Thousandths of a SPAWN that were obeyed and not yet paid by time, and when that was reckoned (ms).
    std::uint64_t spawn_debt = 0, spawn_debt_at = 0;

    std::uint64_t orphan_line_at = 0;  // ms; one line a second about unknown children
    std::uint32_t orphans_unsaid = 0;

    ReceiveBuffer buffer;
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
