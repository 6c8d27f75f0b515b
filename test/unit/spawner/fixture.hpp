// An image of paper and a spawner around it, for tests: groups of programs, as confread would have written
// them.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/base/log_line.hpp"
#include "spawner/from_engine.hpp"
#include "spawner/state.hpp"
#include "spawner/tell.hpp"

namespace reeve {

// Of this process: to be compared with an earlier count, for it has the folder's own and two that are none.
inline std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* directory = ::opendir("/proc/self/fd");
    while (::readdir(directory) != nullptr) ++count;
    ::closedir(directory);
    return count;
}

struct PaperProgram {
    std::vector<std::string> argv{"true"};
    std::vector<std::string> candidates{"/bin/true"};
    std::vector<std::string> env{"A=1"};
    std::string out, err;  // log paths, "" none
    std::string directory;
    bool redirect = false;
    std::uint32_t uid = kAbsent, gid = kAbsent;
    std::vector<std::uint32_t> gids;
    CommandStatus status = CommandStatus::Ok;
    ProgramKind kind = ProgramKind::Program;
    std::uint32_t umask = kAbsent;
    bool fcgi = false;  // uses the image's only FastCGI socket
    std::int32_t backups = 2;
};

class PaperImage {
  public:
    std::string childlogdir = "/tmp", identifier = "supervisor", fcgi_path, main_log;
    std::uint32_t flags = kDaemonNodaemon;
    std::vector<std::vector<PaperProgram>> groups;

    // The two sealed memfds.
    UniqueFd image(int seals = kSeals) {
        pool_.clear();
        refs_.clear();
        gids_.clear();
        SpawnerTables tables{};
        std::vector<GroupRec> group_recs;
        std::vector<ProcRec> procs;
        std::vector<FcgiRec> fcgi;
        DaemonRec& d = tables.daemon;
        d.flags = flags;
        d.loglevel = static_cast<std::uint32_t>(Level::Critical);
        d.identifier = str(identifier);
        d.config_file = str("paper.conf");
        d.directory = absent();
        d.childlogdir = str(childlogdir);
        d.pidfile = str("/nonexistent/pid");
        d.log = log(main_log, 2);
        d.identity.uid = kAbsent;
        if (!fcgi_path.empty()) {
            FcgiRec rec{};
            rec.url = str("unix://" + fcgi_path);
            rec.path = str(fcgi_path);
            rec.address.family = AF_UNIX;
            rec.backlog = 5;
            rec.mode = 0700;
            rec.uid = rec.gid = kAbsent;
            fcgi.push_back(rec);
        }
        for (std::uint32_t g = 0; g < groups.size(); ++g) {
            GroupRec group{};
            group.name = str("g" + std::to_string(g));
            group.procs = {static_cast<std::uint32_t>(procs.size()),
                           static_cast<std::uint32_t>(groups[g].size())};
            group_recs.push_back(group);
            for (const PaperProgram& p : groups[g]) procs.push_back(proc(p, g));
        }
        std::string bytes(sizeof(ImageHeader), '\0');
        std::uint32_t at = append(bytes, &tables, sizeof tables, 8);
        tables.groups = table(bytes, group_recs, 8);
        tables.procs = table(bytes, procs, 8);
        tables.fcgi = table(bytes, fcgi, 8);
        tables.refs = table(bytes, refs_, 8);
        tables.gids = table(bytes, gids_, 8);
        tables.listeners = tables.lines = tables.namespaces = {0, 0};
        // The strings of refs and records are offsets into the pool: move them to where the pool comes.
        std::uint32_t pool = append(bytes, pool_.data(), pool_.size(), 8);
        REEVE_CHECK(pool == kPoolAt || move_pool(bytes, pool));
        ImageHeader header{};
        std::memcpy(header.magic, "REEVEIMG", 8);
        header.version = kImageVersion;
        header.kind = ImageKind::Spawner;
        header.tables = at;
        header.pool = {kPoolAt, static_cast<std::uint32_t>(pool_.size())};
        header.size = static_cast<std::uint32_t>(bytes.size());
        std::memcpy(bytes.data(), &header, sizeof header);
        std::memcpy(bytes.data() + at, &tables, sizeof tables);
        return sealed(bytes, seals);
    }
    static UniqueFd view(int seals = kSeals) { return sealed("a view that only the engine reads", seals); }
    static constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    static UniqueFd sealed(const std::string& bytes, int seals = kSeals) {
        UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        REEVE_CHECK(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
        // EBUSY: the kernel holds a page of it for a moment.
        while (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0 && errno == EBUSY) ::usleep(1000);
        return fd;
    }

  private:
    // The pool lies behind everything else, at a place that is known from the start.
    static constexpr std::uint32_t kPoolAt = 1024 * 1024;

    static StrRef absent() { return {kAbsent, 0}; }
    StrRef str(const std::string& text) {
        StrRef ref{kPoolAt + static_cast<std::uint32_t>(pool_.size()),
                   static_cast<std::uint32_t>(text.size())};
        pool_ += text;
        pool_ += '\0';
        return ref;
    }
    Range list(const std::vector<std::string>& texts) {
        Range range{static_cast<std::uint32_t>(refs_.size()), static_cast<std::uint32_t>(texts.size())};
        for (const std::string& text : texts) refs_.push_back(str(text));
        return range;
    }
    LogRec log(const std::string& path, std::int32_t backups) {
        LogRec rec{};
        rec.kind = path.empty() ? LogKind::None : LogKind::File;
        rec.path = path.empty() ? absent() : str(path);
        rec.backups = backups;
        return rec;
    }
    ProcRec proc(const PaperProgram& p, std::uint32_t group) {
        ProcRec rec{};
        rec.name = str("p");
        rec.group_name = str("g");
        rec.group = group;
        rec.kind = p.kind;
        rec.command_status = p.status;
        rec.flags = p.redirect ? kProcRedirectStderr : 0;
        rec.argv = list(p.argv);
        rec.env = list(p.env);
        rec.candidates = list(p.candidates);
        rec.directory = p.directory.empty() ? absent() : str(p.directory);
        rec.umask = p.umask;
        rec.fcgi = p.fcgi ? 0 : kAbsent;
        rec.identity = {
            p.uid,
            p.gid,
            {static_cast<std::uint32_t>(gids_.size()), static_cast<std::uint32_t>(p.gids.size())}};
        gids_.insert(gids_.end(), p.gids.begin(), p.gids.end());
        rec.out = log(p.out, p.backups);
        rec.err = log(p.err, p.backups);
        return rec;
    }
    static std::uint32_t append(std::string& bytes, const void* data, std::size_t size, std::size_t align) {
        bytes.resize((bytes.size() + align - 1) / align * align);
        auto at = static_cast<std::uint32_t>(bytes.size());
        bytes.append(static_cast<const char*>(data), size);
        return at;
    }
    template <typename T>
    static Range table(std::string& bytes, const std::vector<T>& records, std::size_t align) {
        std::uint32_t at = append(bytes, records.data(), records.size() * sizeof(T), align);
        return {at, static_cast<std::uint32_t>(records.size())};
    }
    bool move_pool(std::string& bytes, std::uint32_t from) {
        if (from > kPoolAt) return false;
        bytes.insert(from, kPoolAt - from, '\0');
        return true;
    }

    std::string pool_;
    std::vector<StrRef> refs_;
    std::vector<std::uint32_t> gids_;
};

// A spawner that has told its engine and log writer everything, with the test at their ends.
struct PaperSpawner {
    std::unique_ptr<State> state = std::make_unique<State>();
    Channel engine, log;  // the parts' ends
    ReceiveBuffer buffer;

    explicit PaperSpawner(PaperImage image) {
        REEVE_CHECK(state->table.open());
        const char* wrong = state->table.add_generation(image.image(), PaperImage::view());
        if (wrong != nullptr) die("paper image", wrong);
        state->root = ::geteuid() == 0;
        state->loglevel = Level::Critical;
        state->life.files_soft = state->life.files_hard = 256;
        connect(state->engine, engine);
        connect(state->log, log);
        state->engine.ready = true;
        std::uint64_t never = 0;
        spawn_allowed(*state, mono_ms(), never);
    }

    // A request of the engine, as the spawner's handler sees it.
    template <typename Body>
    const char* ask(Msg type, std::uint32_t serial, const Body& body) {
        Message message;
        message.type = type;
        message.serial = serial;
        message.body = {reinterpret_cast<const std::byte*>(&body), kBodySize<Body>};
        return on_engine_message(*state, message);
    }
    // The next message for a part; type 0 if there is none.
    Received next(Channel& channel) {
        tell_all(*state);
        Received received;
        if (channel.receive(buffer, received) != Receive::Message) received.message.type = Msg{};
        return received;
    }

  private:
    static void connect(Part& part, Channel& theirs) {
        UniqueFd ours, other;
        REEVE_CHECK(make_channel_pair(ours, other));
        part.channel = Channel(std::move(ours), part.kind.out, part.kind.in);
        part.told = part.may_speak = true;
        part.pid = 0x3FFFFFFF;  // no process can have it
        theirs = Channel(std::move(other), part.kind.in, part.kind.out);
    }
};

}  // namespace reeve
