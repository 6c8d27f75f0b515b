// The catalogue of all messages between the parts: who may send what to whom, how long it is, and how many
// file descriptors travel with it. ARCHITECTURE.md explains each message; this file is what the code obeys.
//
// A message is one SOCK_SEQPACKET datagram: Header, then the fixed body struct of its type, then a tail of
// raw bytes (at most the tail limit of the catalogue). All numbers are little-endian and of fixed width; every
// body struct is trivially copyable, has no padding, and is copied in and out with memcpy.
//
// Adding a message: one row here, one body struct, handlers on both sides, a golden test in test/unit/base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "common/base/server_limits.hpp"

namespace reeve {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire format is the memory format");

constexpr std::uint32_t kProtocol = 1;
constexpr std::size_t kMaxMessage = 128 * 1024;   // bytes of one datagram, header included
constexpr std::size_t kMaxFds = 4;                // most descriptors any message carries
constexpr std::uint32_t kMaxSlots = 65536;        // slots of the spawner's table, over all generations
constexpr std::uint32_t kMaxText = 8192;          // bytes of a log line or an error text
constexpr std::uint32_t kMaxChunk = 64 * 1024;    // bytes of one piece of a log, a call or a reply
constexpr std::size_t kNoteSize = 64;             // bytes of the engine's note in a slot

// A log stream is named by a number: two for each slot, and a few beyond the slots.
constexpr std::uint32_t stream_of(std::uint32_t slot, bool is_stderr) { return slot * 2 + (is_stderr ? 1 : 0); }
constexpr std::uint32_t kMainLogStream = 0xFFFFFF00;   // the main log (logfile= of [supervisord])
constexpr std::uint32_t kConsoleStream = 0xFFFFFF01;   // supervisord's own stdout, in the foreground
constexpr std::uint32_t kSyslogStream = 0xFFFFFF02;    // a datagram socket connected to /dev/log

enum class Role : std::uint32_t { Spawner = 0, Engine = 1, Rpc = 2, Log = 3 };
enum class Level : std::uint32_t { Blather = 3, Trace = 5, Debug = 10, Info = 20, Warn = 30, Error = 40, Critical = 50 };

struct Header {
    std::uint16_t type;
    std::uint16_t zero;     // always 0
    std::uint32_t serial;   // of the child or of the request; the catalogue says which
};
static_assert(sizeof(Header) == 8);

// One direction of one socket pair. S spawner, E engine, R rpc, L log writer.
enum class Edge : std::uint8_t { SE, ES, SL, LS, SR, RE, ER, EL, LE };

// ---- bodies ---------------------------------------------------------------------------------------------

struct Empty {};

// HelloBody.flags
constexpr std::uint32_t kHelloRoot = 1;         // supervisord runs as root
constexpr std::uint32_t kHelloForeground = 2;   // not daemonized
constexpr std::uint32_t kHelloPid1 = 4;         // supervisord is process 1
constexpr std::uint32_t kHelloResume = 8;       // the part replaces one that died: no start-up log lines
constexpr std::uint32_t kHelloConsole = 16;     // log lines go to stdout as well
constexpr std::uint32_t kHelloStopping = 32;    // an exit was under way when the old engine died
constexpr std::uint32_t kHelloRestarting = 64;  // a restart was under way when the old engine died
struct HelloBody {
    std::uint32_t protocol;
    std::uint32_t flags;
    std::uint32_t daemon_pid;
    std::uint32_t loglevel;     // a Level
    std::uint64_t carry;        // what the last FINISH handed over (the event serial), else 0
};
struct PeerBody { Role role; };   // the sender's new peer of that role; 1 fd
struct ConfigBody { std::uint32_t generation; std::uint32_t size; };   // 1 sealed memfd: the engine's view
struct ConfigFailedBody { std::uint32_t exit_status; };               // tail: what the user must be told
struct GroupBody { std::uint32_t generation; std::uint32_t group; std::uint32_t first_slot; };

enum class SlotState : std::uint32_t { Empty = 0, Live = 1, Exited = 2 };
// Descriptors with SPAWNED and SLOT, in this order, are those whose flag is set.
constexpr std::uint32_t kFdStdin = 1;            // write end of the child's stdin
constexpr std::uint32_t kFdListenerStdout = 2;   // read end of an event listener's stdout
struct SlotBody {
    std::uint32_t slot;
    SlotState state;
    std::uint32_t pid;            // 0 if empty; the old pid if exited
    std::uint32_t wait_status;    // as of waitpid, if exited
    std::uint64_t start_us;       // wall clock, microseconds since 1970
    std::uint64_t start_mono_us;  // CLOCK_MONOTONIC, microseconds
    std::uint64_t end_us;         // wall clock of the exit, or 0
    std::uint32_t fds;            // kFd... flags
    std::uint32_t killed;         // 1 if a signal was sent for a stop that is not over (kKillStop)
    std::uint8_t note[kNoteSize];
};
struct SlotsEndBody { std::uint32_t groups; std::uint32_t slots; };

// Where starting a child failed. Those from Command to Permission are found before anything was done; those
// from ChildFirst on are found in the child, which then writes the reference's text to fd 2 and exits 127.
enum class Stage : std::uint32_t {
    None = 0,
    CommandEmpty = 1,        // nothing left after splitting
    CommandQuote = 2,        // No closing quotation
    CommandEscape = 3,       // No escaped character
    CommandNotFound = 4,     // no such file
    CommandDirectory = 5,    // candidate names a directory
    CommandNotExecutable = 6,// no x bit for anybody
    CommandPermission = 7,   // access(X_OK) failed for supervisord
    Pipes = 8,               // errno: making pipes or opening logs
    LogRule = 9,             // the log file is not one that may be opened (symlink, hard link, directory ...)
    FcgiSocket = 10,         // errno: the FastCGI socket
    Fork = 11,               // errno
    ChildFirst = 16,
    ChildSetuid = 16,        // errno, or 0 if supervisord is not root
    ChildGroups = 17,
    ChildSetgid = 18,
    ChildChdir = 19,
    ChildExec = 20,
    Last = 20,
};
struct SpawnedBody {
    std::uint32_t slot;
    std::uint32_t pid;
    std::uint64_t start_us;
    std::uint64_t start_mono_us;
    std::uint32_t fds;          // kFd... flags
    Stage child_stage;          // None, or what failed in the child (it is exiting with 127)
    std::int32_t child_errno;
    std::uint32_t zero;
};
struct SpawnFailedBody { std::uint32_t slot; Stage stage; std::int32_t error; std::uint32_t candidate; };
struct ExitedBody { std::uint32_t slot; std::uint32_t wait_status; std::uint64_t end_us; };
struct KillResultBody { std::uint32_t slot; std::uint32_t signo; std::int32_t error; std::uint32_t zero; };
struct SignalBody { std::uint32_t signo; };

struct SpawnBody { std::uint32_t slot; };
struct CheckBody { std::uint32_t slot; };
// KillBody.flags
constexpr std::uint32_t kKillGroup = 1;   // to the process group
constexpr std::uint32_t kKillStop = 2;    // part of a stop (only remembered, for an engine that resumes)
struct KillBody { std::uint32_t slot; std::uint32_t signo; std::uint32_t flags; };
struct AckExitBody { std::uint32_t slot; };
struct NoteBody { std::uint32_t slot; std::uint8_t note[kNoteSize]; };
enum class FinishMode : std::uint32_t { Exit = 0, Restart = 1 };
struct FinishBody { FinishMode mode; std::uint32_t zero; std::uint64_t carry; };
// Says that an exit or restart has begun (or that a restart became an exit), for an engine that resumes.
struct StoppingBody { FinishMode mode; };

// StreamBody.kind
enum class StreamKind : std::uint32_t {
    Stdout = 0,           // a program's stdout: pipe and/or file
    Stderr = 1,           // a program's stderr
    ListenerStdout = 2,   // file only; the bytes come with APPEND from the engine
    MainLog = 3,          // file only; the lines come with LINE from the engine
    Console = 4,          // file only (supervisord's stdout); a copy of the main log's lines
    Syslog = 5,           // the fd is a datagram socket connected to the system logger
};
// StreamBody.flags
constexpr std::uint32_t kStreamPipe = 1;        // the first fd is the read end of a pipe
constexpr std::uint32_t kStreamFile = 2;        // the next fd is the log file (none: output is only read)
constexpr std::uint32_t kStreamSpecial = 4;     // the file is no regular file: never rotated, cleared or read
constexpr std::uint32_t kStreamShared = 8;      // others write this file too: O_APPEND, no explicit offsets
constexpr std::uint32_t kStreamStripAnsi = 16;
constexpr std::uint32_t kStreamSyslog = 32;     // each line to the system logger as well
constexpr std::uint32_t kStreamEvents = 64;     // PROCESS_LOG events wanted: OUTPUT to the engine
constexpr std::uint32_t kStreamMainSyslog = 128;// MainLog only: logfile=syslog
struct StreamBody {
    std::uint32_t stream;
    StreamKind kind;
    std::uint32_t slot;           // 0xFFFFFFFF for the streams beyond the slots
    std::uint32_t flags;
    std::int64_t maxbytes;        // <= 0: never rotated
    std::int32_t backups;         // <= 0: truncated instead of kept
    std::uint32_t capture_max;    // 0: no capture mode
    std::uint32_t pid;            // of the child, to be named in OUTPUT and COMM; 0 beyond the slots
    std::uint32_t zero;
};                                // tail: process name (for syslog and the debug echo)
enum class FileOp : std::uint32_t {
    Reopen = 0,   // open the path again, appending (creates it)
    Rotate = 1,   // rename along .1 .. .N (backups > 0) or truncate, then open anew
    Read = 2,     // open the path read-only, without creating it
    Clear = 3,    // unlink and create anew
};
struct OpenBody { std::uint32_t stream; FileOp op; };
struct LogfileBody {
    std::uint32_t stream;
    FileOp op;
    std::int32_t error;           // 0: the fd comes along; ENOENT: no such file or nothing configured
    std::uint32_t flags;          // kStreamSpecial if it is no regular file
};
struct DrainBody { std::uint32_t slot; };

// ListenerBody.flags
constexpr std::uint32_t kListenerAuthenticated = 1;   // it has a user name and a password
struct ListenerBody {
    std::uint32_t id;             // index among the servers of the configuration
    std::uint32_t family;         // AF_UNIX or AF_INET / AF_INET6
    std::uint32_t port;           // 0 for AF_UNIX
    std::uint32_t flags;
    ServerLimits limits;
};                                // tail: path or host, as shown to users; if allowed_hosts= is set, a NUL and
                                  // its value (blanks or commas between names) follow; 1 fd, listening
struct StartBody {
    std::uint32_t listeners;      // how many LISTENER messages came before
};                                // tail: the version text

enum class CallKind : std::uint16_t {
    Rpc = 1,          // method as sent by the client
    Auth = 2,         // only the credentials are checked
    LogTail = 3,      // args: [name, channel]; answered by STREAM_OPEN, then pieces on PULL
    MainLogTail = 4,  // args: []
    Page = 5,         // a web page's call: "supervisor.x", whatever namespaces are configured
};
enum class Credentials : std::uint16_t { None = 0, Basic = 1, Malformed = 2, NoColon = 3, OtherScheme = 4 };
constexpr std::uint32_t kNoPeerUid = 0xFFFFFFFF;
constexpr std::uint32_t kMaxOpenCalls = 1024;   // requests of the front that may be open at once
struct CallBody {
    std::uint32_t listener;
    std::uint32_t peer_uid;       // of a unix client (SO_PEERCRED), else kNoPeerUid
    std::uint32_t args_size;      // bytes of the encoded arguments in all, over CALL and CALL_MORE
    CallKind kind;
    Credentials credentials;
    std::uint16_t method_size;    // the tail: method, user, password, client address, then argument bytes
    std::uint16_t user_size;
    std::uint16_t password_size;
    std::uint16_t address_size;   // "127.0.0.1:5123" or "localhost:0", for the log
};
enum class ReplyKind : std::uint32_t {
    Part = 0,          // a piece of an encoded value; more follows
    Value = 1,         // the last piece
    Fault = 2,         // code; the tail is the text
    Unauthorized = 3,  // HTTP 401
    BadRequest = 4,    // HTTP 400
    ServerError = 5,   // HTTP 500
    NotFound = 6,      // HTTP 404
    StreamOpen = 7,    // HTTP 200, pieces follow; mtime is the file's, in seconds
    StreamData = 8,    // one piece; the next one comes after PULL
    StreamEnd = 9,
};
struct ReplyBody { ReplyKind kind; std::int32_t code; std::int64_t mtime; };

struct LineBody { Level level; };
struct AppendBody { std::uint32_t stream; std::uint32_t zero; };
enum class ReadMode : std::uint32_t { Read = 0, Tail = 1 };   // rules of readLog, rules of tailLog
struct ReadBody { std::uint32_t stream; ReadMode mode; std::int64_t offset; std::int64_t length; };
struct ClearBody { std::uint32_t stream; std::uint32_t zero; };
struct FollowBody { std::uint32_t stream; std::uint32_t history; };   // bytes of the end to begin with
struct OutputBody { std::uint32_t stream; std::uint32_t pid; };
struct CommBody { std::uint32_t stream; std::uint32_t pid; std::uint32_t last; std::uint32_t zero; };
enum class DoneResult : std::int32_t { Ok = 0, NoFile = 1, BadArguments = 2, Failed = 3, Cancelled = 4 };
struct DoneBody {
    DoneResult result;
    std::int32_t error;       // errno behind Failed, or 0
    std::uint32_t overflow;   // tail rules: 1 if bytes were skipped
    std::uint32_t zero;
    std::int64_t size;        // of the file
    std::int64_t mtime;       // of the file, seconds
};
struct LostBody { std::uint32_t stream; std::uint32_t zero; std::uint64_t bytes; };

// ---- the catalogue --------------------------------------------------------------------------------------
// X(name, number, edge, body, tail limit, fewest fds, most fds)   serial = what Header.serial holds
#define REEVE_MESSAGES(X)                                                                      \
    /* spawner to every part */                                                                \
    X(HELLO,            1, SE, HelloBody,        0,         0, 0)  /* first, once */           \
    X(PEER,             2, SE, PeerBody,         0,         1, 1)                              \
    X(CONFIG,           3, SE, ConfigBody,       0,         1, 1)  /* serial: RELOAD's or 0 */ \
    X(CONFIG_FAILED,    4, SE, ConfigFailedBody, kMaxText,  0, 0)  /* serial: RELOAD's */      \
    X(GROUP,            5, SE, GroupBody,        0,         0, 0)  /* resume: active group */  \
    X(SLOT,             6, SE, SlotBody,         0,         0, 2)  /* serial: child */         \
    X(SLOTS_END,        7, SE, SlotsEndBody,     0,         0, 0)                              \
    X(SPAWNED,          8, SE, SpawnedBody,      0,         0, 2)  /* serial: new child */     \
    X(SPAWN_FAILED,     9, SE, SpawnFailedBody,  0,         0, 0)                              \
    X(CHECKED,         10, SE, SpawnFailedBody,  0,         0, 0)  /* serial: CHECK's */       \
    X(EXITED,          11, SE, ExitedBody,       0,         0, 0)  /* serial: child */         \
    X(KILL_RESULT,     12, SE, KillResultBody,   0,         0, 0)  /* serial: child */         \
    X(SIGNAL,          13, SE, SignalBody,       0,         0, 0)                              \
    /* engine to spawner */                                                                    \
    X(READY,           20, ES, Empty,            0,         0, 0)                              \
    X(RELOAD,          21, ES, Empty,            0,         0, 0)  /* serial: request */       \
    X(ACTIVATE,        22, ES, GroupBody,        0,         0, 0)                              \
    X(DEACTIVATE,      23, ES, GroupBody,        0,         0, 0)                              \
    X(SPAWN,           24, ES, SpawnBody,        0,         0, 0)                              \
    X(CHECK,           25, ES, CheckBody,        0,         0, 0)  /* serial: request */       \
    X(KILL,            26, ES, KillBody,         0,         0, 0)  /* serial: child */         \
    X(ACK_EXIT,        27, ES, AckExitBody,      0,         0, 0)  /* serial: child */         \
    X(NOTE,            28, ES, NoteBody,         0,         0, 0)                              \
    X(FINISH,          29, ES, FinishBody,       0,         0, 0)                              \
    X(STOPPING,        30, ES, StoppingBody,     0,         0, 0)                              \
    /* spawner to log writer */                                                                \
    X(L_HELLO,         40, SL, HelloBody,        0,         0, 0)                              \
    X(L_PEER,          41, SL, PeerBody,         0,         1, 1)                              \
    X(STREAM,          42, SL, StreamBody,       255,       0, 2)  /* serial: child or 0 */    \
    X(LOGFILE,         43, SL, LogfileBody,      0,         0, 1)  /* serial: OPEN's */        \
    X(DRAIN,           44, SL, DrainBody,        0,         0, 0)  /* serial: child */         \
    /* log writer to spawner */                                                                \
    X(OPEN,            50, LS, OpenBody,         0,         0, 0)  /* serial: request */       \
    X(S_DRAINED,       51, LS, DrainBody,        0,         0, 0)  /* serial: child */         \
    /* spawner to front; nothing flows back */                                                 \
    X(R_HELLO,         60, SR, HelloBody,        0,         0, 0)                              \
    X(R_PEER,          61, SR, PeerBody,         0,         1, 1)                              \
    X(LISTENER,        62, SR, ListenerBody,     4096,      1, 1)                              \
    X(START,           63, SR, StartBody,        64,        0, 0)                              \
    /* front to engine; serial: request */                                                     \
    X(CALL,            70, RE, CallBody,         kMaxChunk, 0, 0)                              \
    X(CALL_MORE,       71, RE, Empty,            kMaxChunk, 0, 0)                              \
    X(PULL,            72, RE, Empty,            0,         0, 0)                              \
    X(CANCEL,          73, RE, Empty,            0,         0, 0)                              \
    /* engine to front; serial: request */                                                     \
    X(REPLY,           80, ER, ReplyBody,        kMaxChunk, 0, 0)                              \
    /* engine to log writer */                                                                 \
    X(LINE,            90, EL, LineBody,         kMaxText,  0, 0)                              \
    X(APPEND,          91, EL, AppendBody,       kMaxChunk, 0, 0)  /* serial: child */         \
    X(READ,            92, EL, ReadBody,         0,         0, 0)  /* serial: request */       \
    X(CLEAR,           93, EL, ClearBody,        0,         0, 0)  /* serial: request */       \
    X(REOPEN_ALL,      94, EL, Empty,            0,         0, 0)                              \
    X(FOLLOW,          95, EL, FollowBody,       0,         0, 0)  /* serial: request */       \
    X(FOLLOW_MORE,     96, EL, Empty,            0,         0, 0)  /* serial: request */       \
    X(FOLLOW_END,      97, EL, Empty,            0,         0, 0)  /* serial: request */       \
    X(SYNC,            98, EL, Empty,            0,         0, 0)  /* serial: request */       \
    /* log writer to engine */                                                                 \
    X(OUTPUT,         100, LE, OutputBody,       kMaxChunk, 0, 0)  /* serial: child */         \
    X(COMM,           101, LE, CommBody,         kMaxChunk, 0, 0)  /* serial: child */         \
    X(BYTES,          102, LE, Empty,            kMaxChunk, 0, 0)  /* serial: request */       \
    X(DONE,           103, LE, DoneBody,         0,         0, 0)  /* serial: request */       \
    X(DRAINED,        104, LE, DrainBody,        0,         0, 0)  /* serial: child */         \
    X(LOST,           105, LE, LostBody,         0,         0, 0)  /* bytes a full disk cost */

enum class Msg : std::uint16_t {
#define X(name, number, edge, body, tail, fewest, most) name = number,
    REEVE_MESSAGES(X)
#undef X
};

// An empty struct has size 1 in C++, but takes no bytes on the wire.
template <typename Body>
constexpr std::size_t kBodySize = std::is_empty_v<Body> ? 0 : sizeof(Body);

struct MessageRow {
    Msg type;
    const char* name;
    Edge edge;
    std::uint32_t body_size;
    std::uint32_t tail_limit;
    std::uint8_t fewest_fds;
    std::uint8_t most_fds;
};

// The row of a type number, or nullptr if the catalogue has none.
const MessageRow* find_message(std::uint16_t type);
// The name of a type for log lines; "unknown" if the catalogue has none.
const char* message_name(std::uint16_t type);

// A message as received, its shape checked against the catalogue (channel.hpp). What the numbers mean is
// for the handler to check.
struct Message {
    Msg type{};
    std::uint32_t serial = 0;
    std::span<const std::byte> body;
    std::span<const std::byte> tail;

    // The body as a struct. The channel has checked the length, so this cannot fail for the type's own struct.
    template <typename Body>
    Body as() const {
        static_assert(std::is_trivially_copyable_v<Body>);
        Body out{};
        if (body.size() == kBodySize<Body> && !body.empty()) std::memcpy(&out, body.data(), body.size());
        return out;
    }
    std::string_view text() const { return {reinterpret_cast<const char*>(tail.data()), tail.size()}; }
};

}  // namespace reeve
