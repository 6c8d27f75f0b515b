// The configuration as one flat, sealed image: written by supervisor-confread, mapped read-only and used in
// place. There are two forms. The spawner's image says what may be run and how; the engine's image ("view")
// says how it is supervised and what clients may read, and holds no environment and no group list.
//
// An image is a header, tables of fixed records, and a pool of strings. References are offsets from the
// start of the image. check_*_image() proves once that every reference of every record lies inside; after
// that the accessors need no further checks. Indices that come with messages are checked by their handlers.
//
// Index spaces are common to both forms: group i, process j and server k of generation G are the same in both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "common/base/server_limits.hpp"

namespace reeve {

constexpr std::uint32_t kImageVersion = 1;
constexpr std::size_t kMaxImage = 32 * 1024 * 1024;   // bytes
constexpr std::uint32_t kAbsent = 0xFFFFFFFF;         // "not set", for offsets, indices, ids and modes
constexpr std::uint32_t kMaxArgv = 65536;             // argv entries, and envp entries, of one process

// A string of the pool. Its bytes hold no NUL and are followed by one. offset == kAbsent: not set.
struct StrRef {
    std::uint32_t offset;
    std::uint32_t length;
};
// Records first .. first + count - 1 of a table.
struct Range {
    std::uint32_t first;
    std::uint32_t count;
};

enum class ImageKind : std::uint32_t { Spawner = 1, Engine = 2 };
enum class LogKind : std::uint32_t {
    None = 0,
    File = 1,      // path, opened by rule
    Auto = 2,      // path, made by confread with a random name; made when it is first opened or read (0600)
    Descriptor = 3,// /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N: supervisord's own, dup'ed
    Syslog = 4,    // main log only: logfile=syslog
};
enum class CommandStatus : std::uint32_t { Ok = 0, Empty = 1, NoClosingQuotation = 2, NoEscapedCharacter = 3 };
enum class ProgramKind : std::uint32_t { Program = 0, EventListener = 1, Fcgi = 2 };

struct ImageHeader {
    char magic[8];             // "REEVEIMG"
    std::uint32_t version;
    ImageKind kind;
    std::uint32_t size;        // of the whole image, bytes
    std::uint32_t tables;      // offset of SpawnerTables or EngineTables
    Range pool;                // offset and bytes of the string pool
};

// ---- the spawner's image --------------------------------------------------------------------------------

// What `user=` stands for, resolved. uid == kAbsent: no change of identity.
struct Identity {
    std::uint32_t uid;
    std::uint32_t gid;
    Range groups;              // of SpawnerTables.gids; supplementary groups, the primary one first
};

struct LogRec {
    LogKind kind;
    std::uint32_t descriptor;  // LogKind::Descriptor: which (1, 2, N)
    StrRef path;               // absolute unless the configuration gave a relative one
    std::int64_t maxbytes;     // <= 0: no rotation
    std::int32_t backups;
    std::uint32_t capture_max;
    std::uint32_t stream_flags;  // kStreamShared, kStreamStripAnsi, kStreamSyslog, kStreamEvents (messages.hpp)
    std::uint32_t zero;
};

// ProcRec.flags
constexpr std::uint32_t kProcRedirectStderr = 1;
struct ProcRec {
    StrRef name;
    StrRef group_name;
    std::uint32_t group;       // index
    ProgramKind kind;
    CommandStatus command_status;
    std::uint32_t flags;
    Range argv;                // of refs; argv[0] is the word as written
    Range env;                 // of refs; "KEY=value", complete and in order
    Range candidates;          // of refs; files to look at in order, the first that exists is executed
    StrRef directory;          // absent: none
    std::uint32_t umask;       // kAbsent: inherited
    std::uint32_t fcgi;        // index of its FastCGI socket, or kAbsent
    Identity identity;
    LogRec out;
    LogRec err;                // kind None with kProcRedirectStderr
};

struct GroupRec {
    StrRef name;
    Range procs;               // of procs
};

// A socket address, ready for bind(2).
struct AddressRec {
    std::uint32_t family;      // AF_UNIX, AF_INET, AF_INET6
    std::uint32_t length;
    std::uint8_t bytes[128];   // a sockaddr of that length
};

// A server: [unix_http_server...] or [inet_http_server...]
struct ListenerRec {
    StrRef section;            // "unix_http_server" or "inet_http_server:two"
    StrRef shown;              // path, or host as written
    StrRef path;               // AF_UNIX: absolute path; else absent
    AddressRec address;        // AF_UNIX: unused (family and length still set)
    std::int32_t resolve_error;  // getaddrinfo's code (-2 ...) if the host has no address, else 0
    std::uint32_t port;        // host byte order
    std::uint32_t mode;        // AF_UNIX
    std::uint32_t uid, gid;    // AF_UNIX: owner, kAbsent: unchanged
    std::uint32_t authenticated;  // 1 if it has a user name and a password
    ServerLimits limits;
    std::uint32_t zero;
    StrRef allowed_hosts = {kAbsent, 0};   // allowed_hosts=: names that browsers may use for this server; absent: none
};

struct FcgiRec {
    StrRef url;                // "unix:///path" or "tcp://host:port", for log lines
    StrRef path;               // AF_UNIX, else absent
    AddressRec address;
    std::int32_t resolve_error;
    std::uint32_t backlog;
    std::uint32_t mode;        // AF_UNIX
    std::uint32_t uid, gid;    // AF_UNIX, kAbsent: unchanged
    std::uint32_t zero;
};

// A line for the main log that arose while reading (already sorted: CRIT, WARN, INFO).
struct LineRec {
    std::uint32_t level;
    std::uint32_t zero;
    StrRef text;
};

// DaemonRec.flags
constexpr std::uint32_t kDaemonNodaemon = 1;
constexpr std::uint32_t kDaemonSilent = 2;
constexpr std::uint32_t kDaemonNocleanup = 4;
constexpr std::uint32_t kDaemonLogSymlinks = 8;   // log_symlinks=allow
struct DaemonRec {
    std::uint32_t flags;
    std::uint32_t loglevel;
    std::uint32_t umask;
    std::uint32_t zero;
    StrRef identifier;
    StrRef config_file;        // as given or found
    StrRef directory;          // absent: none
    StrRef childlogdir;
    StrRef pidfile;            // absolute
    std::int64_t minfds;
    std::int64_t minprocs;
    LogRec log;                // the main log
    Identity identity;         // of [supervisord] user=
    Identity parts[3];         // engine, front, log writer (as root; uid kAbsent is not allowed then)
};

struct SpawnerTables {
    DaemonRec daemon;
    Range groups, procs, listeners, fcgi, lines, refs, gids;   // first = offset in bytes, count = records
    Range namespaces;          // StrRef: the x of each [rpcinterface:x], for the start-up lines
};

// ---- the engine's image ---------------------------------------------------------------------------------

struct ServerView {
    StrRef section;
    StrRef username;           // absent: no authentication
    StrRef password;           // clear text, or "{SHA}" and 40 hex digits
    std::uint32_t family;
    std::uint32_t zero;
};

enum class Autorestart : std::uint32_t { No = 0, Yes = 1, Unexpected = 2 };

struct LogView {
    LogKind kind;
    std::int32_t backups;
    StrRef path;               // absent for None
    std::int64_t maxbytes;
    std::uint32_t capture_max;
    std::uint32_t stream_flags;
};

// ProcView.flags
constexpr std::uint32_t kViewAutostart = 1;
constexpr std::uint32_t kViewRedirectStderr = 2;
constexpr std::uint32_t kViewStopAsGroup = 4;
constexpr std::uint32_t kViewKillAsGroup = 8;
struct ProcView {
    StrRef name;
    std::uint32_t group;
    ProgramKind kind;          // of the section: an fcgi-program inside a group is Fcgi as well
    StrRef command;            // expanded, not split
    StrRef argv0;              // as written; absent if the command has no words
    Range candidates;          // of refs; same order as the spawner's
    CommandStatus command_status;
    std::uint32_t flags;
    Autorestart autorestart;
    std::int32_t priority;
    std::int64_t startsecs;
    std::int64_t startretries;
    std::int64_t stopwaitsecs;
    std::uint32_t stopsignal;
    std::uint32_t uid;         // kAbsent: none
    Range exitcodes;           // of numbers
    StrRef directory;          // absent: none
    StrRef serverurl;          // as configured; absent if AUTO or unset
    LogView out;
    LogView err;
    std::uint64_t definition[2];   // hash of all that counts as a change, log paths excepted (those are
                                   // compared by kind and path, and not at all if either side is AUTO)
};

// Bits of GroupView.events, in the order of the type tree; a subscription to an abstract type is kept as the
// abstract type's own bit, because overlapping subscriptions multiply deliveries.
enum class EventType : std::uint32_t {
    Event = 0,
    ProcessState, ProcessStateStopped, ProcessStateExited, ProcessStateStarting, ProcessStateStopping,
    ProcessStateBackoff, ProcessStateFatal, ProcessStateRunning, ProcessStateUnknown,
    ProcessCommunication, ProcessCommunicationStdout, ProcessCommunicationStderr,
    ProcessLog, ProcessLogStdout, ProcessLogStderr,
    RemoteCommunication,
    SupervisorStateChange, SupervisorStateChangeRunning, SupervisorStateChangeStopping,
    Tick, Tick5, Tick60, Tick3600,
    ProcessGroup, ProcessGroupAdded, ProcessGroupRemoved,
    Count,
};

struct GroupView {
    StrRef name;
    ProgramKind kind;          // EventListener: a pool; Fcgi: [fcgi-program:x] on its own; else Program
    std::int32_t priority;
    Range procs;
    std::uint64_t events;      // EventListener: 1 << EventType
    std::int64_t buffer_size;  // EventListener
    StrRef fcgi_url;           // Fcgi: part of what counts as a change
};

// DaemonView.flags
constexpr std::uint32_t kViewStripAnsi = 1;
struct DaemonView {
    StrRef identifier;
    StrRef version;            // REEVE_VERSION of the reader
    std::uint32_t loglevel;
    std::uint32_t flags;
    LogView log;               // the main log
};

struct EngineTables {
    DaemonView daemon;
    Range groups, procs, servers, namespaces, refs, numbers;   // namespaces: StrRef, the x of [rpcinterface:x]
};                                                             // groups are sorted by (priority, name)

// ---- reading --------------------------------------------------------------------------------------------

// A checked image. Accessors take indices that the caller has checked against the counts.
class ImageBase {
  public:
    std::span<const std::byte> bytes() const { return bytes_; }
    bool empty() const { return bytes_.empty(); }

    std::string_view text(StrRef ref) const {
        if (ref.offset == kAbsent) return {};
        return {reinterpret_cast<const char*>(bytes_.data()) + ref.offset, ref.length};
    }
    // NUL-terminated; nullptr if absent.
    const char* c_str(StrRef ref) const {
        if (ref.offset == kAbsent) return nullptr;
        return reinterpret_cast<const char*>(bytes_.data()) + ref.offset;
    }

  protected:
    template <typename T>
    const T& at(Range table, std::uint32_t index) const {
        return *reinterpret_cast<const T*>(bytes_.data() + table.first + std::size_t{index} * sizeof(T));
    }
    std::span<const std::byte> bytes_;
};

class SpawnerImage : public ImageBase {
  public:
    // nullptr if the bytes are a sound spawner's image (8-byte aligned), else what is wrong with them.
    const char* open(std::span<const std::byte> bytes);

    const SpawnerTables& tables() const { return *tables_; }
    const DaemonRec& daemon() const { return tables_->daemon; }
    std::uint32_t group_count() const { return tables_->groups.count; }
    std::uint32_t proc_count() const { return tables_->procs.count; }
    const GroupRec& group(std::uint32_t i) const { return at<GroupRec>(tables_->groups, i); }
    const ProcRec& proc(std::uint32_t i) const { return at<ProcRec>(tables_->procs, i); }
    const ListenerRec& listener(std::uint32_t i) const { return at<ListenerRec>(tables_->listeners, i); }
    const FcgiRec& fcgi(std::uint32_t i) const { return at<FcgiRec>(tables_->fcgi, i); }
    const LineRec& line(std::uint32_t i) const { return at<LineRec>(tables_->lines, i); }
    StrRef rpc_namespace(std::uint32_t i) const { return at<StrRef>(tables_->namespaces, i); }
    StrRef ref(std::uint32_t i) const { return at<StrRef>(tables_->refs, i); }
    // By reference: a Range of them is what setgroups(2) takes.
    const std::uint32_t& gid(std::uint32_t i) const { return at<std::uint32_t>(tables_->gids, i); }

  private:
    const SpawnerTables* tables_ = nullptr;
};

class EngineImage : public ImageBase {
  public:
    // nullptr if the bytes are a sound engine's image (8-byte aligned), else what is wrong with them.
    const char* open(std::span<const std::byte> bytes);

    const EngineTables& tables() const { return *tables_; }
    const DaemonView& daemon() const { return tables_->daemon; }
    std::uint32_t group_count() const { return tables_->groups.count; }
    std::uint32_t proc_count() const { return tables_->procs.count; }
    std::uint32_t server_count() const { return tables_->servers.count; }
    const GroupView& group(std::uint32_t i) const { return at<GroupView>(tables_->groups, i); }
    const ProcView& proc(std::uint32_t i) const { return at<ProcView>(tables_->procs, i); }
    const ServerView& server(std::uint32_t i) const { return at<ServerView>(tables_->servers, i); }
    StrRef rpc_namespace(std::uint32_t i) const { return at<StrRef>(tables_->namespaces, i); }
    StrRef ref(std::uint32_t i) const { return at<StrRef>(tables_->refs, i); }
    std::int32_t number(std::uint32_t i) const { return at<std::int32_t>(tables_->numbers, i); }

  private:
    const EngineTables* tables_ = nullptr;
};

static_assert(std::is_trivially_copyable_v<SpawnerTables> && std::is_trivially_copyable_v<EngineTables>);
static_assert(std::has_unique_object_representations_v<SpawnerTables> &&
              std::has_unique_object_representations_v<ProcRec> && std::has_unique_object_representations_v<FcgiRec> &&
              std::has_unique_object_representations_v<ListenerRec> &&
              std::has_unique_object_representations_v<EngineTables> &&
              std::has_unique_object_representations_v<ProcView> &&
              std::has_unique_object_representations_v<GroupView>,
              "an image record has padding");

}  // namespace reeve
