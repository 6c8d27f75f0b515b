// The spawner's whole loop over a system of paper: the input is a sequence of messages of engine and log
// writer (sound, odd and broken), ends of children and of parts, signals, passing time, calls that fail, and
// parts that do not read. After each step everything that must always hold is looked at: which processes are
// signalled and what is opened (spawner_system.cpp), that table, slots and living children agree, that
// serials only grow, that an exit is told once to each engine, that all the spawner says is sound, that it
// never uses the heap, and that no descriptor is lost.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include "spawner/loop.hpp"
#include "spawner/parts.hpp"
#include "spawner_system.hpp"
#include "test/unit/spawner/fixture.hpp"

using namespace reeve;
using namespace reeve::fuzz;

namespace {

class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    bool empty() const { return at_ == end_; }
    std::uint8_t byte() { return empty() ? std::uint8_t{0} : *at_++; }
    std::uint32_t number() {  // mostly small; sometimes where checks go wrong
        static constexpr std::uint32_t kOdd[] = {
            kMaxSlots - 1, kMaxSlots,  2 * kMaxSlots - 1, 2 * kMaxSlots,  0x7FFFFFFF,    0x80000000,
            0xFFFFFFFE,    0xFFFFFFFF, kMainLogStream,    kConsoleStream, kSyslogStream, 65};
        std::uint8_t first = byte();
        if (first < 232) return first % 16;
        if (first < 244) return kOdd[first - 232];
        return static_cast<std::uint32_t>(byte() | byte() << 8 | byte() << 16) << (byte() % 9);
    }

  private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

// Where the programs' logs are; gone with the process.
struct Folder {
    std::string path = "/tmp/fuzz-spawner-XXXXXX";
    Folder() {
        if (::mkdtemp(path.data()) == nullptr) broken("no folder");
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};
const std::string& folder() {
    static const Folder made;
    return made.path;
}

PaperImage paper_image() {
    PaperImage image;
    PaperProgram plain, logged, listener, redirected, missing;
    logged.argv = {"sleep", "9"};
    logged.candidates = {"/bin/sleep"};
    logged.out = folder() + "/a.log";
    logged.err = folder() + "/a.err";
    listener.kind = ProgramKind::EventListener;
    listener.out = folder() + "/l.log";
    redirected.redirect = true;
    redirected.out = folder() + "/sub/r.log";  // a folder that is not there
    missing.candidates = {"/bin/true/no"};
    image.groups = {{plain, logged}, {logged, listener, redirected}, {missing}, {}};
    return image;
}

// The bytes of the image, made once: confread would write the same again and again.
const std::string& image_bytes() {
    static const std::string bytes = [] {
        UniqueFd fd = paper_image().image();
        std::string all(static_cast<std::size_t>(::lseek(fd.get(), 0, SEEK_END)), '\0');
        if (::pread(fd.get(), all.data(), all.size(), 0) != static_cast<ssize_t>(all.size()))
            broken("no image");
        return all;
    }();
    return bytes;
}

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

// A part as the test plays it.
struct Peer {
    Role role;
    Channel channel;
    bool deaf = false;
};

struct Known {
    std::uint32_t slot, serial;
    bool exited;
};

class Machine {
  public:
    explicit Machine(Input input) : input_(input), system_(the_system()) {}

    void run() {
        base_descriptors_ = open_descriptors();
        system_.log_folder = folder();
        set_up();
        system_.turn = [this] { turn(); };
        try {
            system_.inside = true;
            for (Part* part : {&state_->log, &state_->rpc, &state_->engine}) start_part(*state_, *part);
            run_loop(*state_);
        } catch (const Over& over) {
            system_.inside = false;
            if (over.exited) judge_exit(over.status);
        }
        tear_down();
        if (open_descriptors() != base_descriptors_) broken("descriptors are left open");
    }

  private:
    void set_up() {
        state_ = std::make_unique<State>();
        State& state = *state_;
        if (!state.table.open()) broken("no memory");
        if (const char* wrong =
                state.table.add_generation(PaperImage::sealed(image_bytes()), PaperImage::view()))
            broken(wrong);
        state.loglevel = Level::Debug;
        state.foreground = true;
        ::tzset();  // the start writes log lines, after which the time zone is known
        write_line(state.main_log.get(), Level::Info, "warm");
        state.main_log.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        state.life.files_soft = state.life.files_hard = 256;
        static char name[] = "supervisord";
        static char* arguments[] = {name, nullptr};
        state.argv = arguments;
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) broken("no pipe");
        state.signals.reset(ends[0]);
        signals_.reset(ends[1]);
    }

    void tear_down() {
        for (std::uint32_t i = 0; i < state_->table.high(); ++i) {
            if (Slot* slot = state_->table.find(i)) *slot = Slot{};
        }
        state_.reset();
        peers_.clear();
        signals_.reset();
        system_.reset();
    }

    // ---- what must hold

    void judge_exit(int status) {
        for (auto& [pid, process] : system_.living) {
            if (process.kind == Kind::Part) broken("ends before its parts");
            if (process.kind == Kind::Program) broken("ends before its programs");
        }
        if (status != (system_.executed_itself ? 1 : 0)) broken("ends with status", std::to_string(status));
    }

    void judge() {
        Table& table = state_->table;
        std::size_t programs = 0, slots = 0, live = 0;
        for (auto& [pid, process] : system_.living) programs += process.kind == Kind::Program;
        std::set<std::uint32_t> taken;
        for (std::uint32_t i = 0; const GroupBody* group = table.active_group(i); ++i) {
            Generation* generation = table.generation(group->generation);
            if (generation == nullptr) broken("a group of a generation that is gone");
            Range procs = generation->image.group(group->group).procs;
            for (std::uint32_t j = 0; j < procs.count; ++j) {
                Slot* slot = table.find(group->first_slot + j);
                if (slot == nullptr || slot->generation != group->generation || slot->proc != procs.first + j)
                    broken("a slot that is not its group's");
                if (!taken.insert(group->first_slot + j).second) broken("a slot of two groups");
                judge_slot(*slot);
                live += slot->state == SlotState::Live;
            }
            slots += procs.count;
        }
        if (slots != table.active_slots()) broken("slots without a group");
        std::size_t unreaped = 0;
        for (auto& [pid, how] : system_.dead) unreaped += state_->table.by_pid(pid) != nullptr;
        if (programs + unreaped != live) broken("children and slots disagree");
        if (++turns_ % 8 == 0) judge_descriptors();
    }

    void judge_slot(const Slot& slot) {
        if (slot.state == SlotState::Empty) return;
        if (slot.serial == 0) broken("a child without a serial");
        if (slot.state == SlotState::Live && state_->table.by_pid(static_cast<pid_t>(slot.pid)) != &slot)
            broken("a pid without its slot");
        if (slot.state == SlotState::Exited && slot.in.valid()) broken("stdin of a dead child");
    }

    void judge_descriptors() {
        std::size_t expected = base_descriptors_;
        auto count = [&expected](const UniqueFd& fd) { expected += fd.valid() ? 1 : 0; };
        const State& state = *state_;
        for (const Part* part : {&state.engine, &state.rpc, &state.log}) {
            expected += part->channel.open() ? 1 : 0;
            for (const UniqueFd& fd : part->peers) count(fd);
            for (const UniqueFd& fd : part->held.fds) count(fd);
        }
        for (const FcgiSocket& socket : state.fcgi) count(socket.fd);
        for (const UniqueFd* fd : std::initializer_list<const UniqueFd*>{
                 &state.main_log, &state.syslog, &state.inotify, &state.pidfile, &state.signals,
                 &state.empty_directory, &state.reread.image, &state.reread.view, &state.reread.errors,
                 &signals_})
            count(*fd);
        for (std::uint32_t number = 0; Generation* one = state_->table.generation_from(number);
             number = one->number + 1)
            count(one->view);
        for (std::uint32_t i = 0; i < state.table.high(); ++i) {
            const Slot* slot = state_->table.find(i);
            if (slot == nullptr) continue;
            count(slot->in);
            for (const UniqueFd& fd : slot->out) count(fd);
        }
        for (auto& [pid, peer] : peers_) expected += peer.channel.open() ? 1 : 0;
        for (auto& [pid, process] : system_.living) expected += process.channel >= 0 ? 1 : 0;
        for (const UniqueFd& fd : received_.fds) count(fd);
        if (std::size_t there = open_descriptors(); there != expected)
            broken("descriptors", std::to_string(there) + " instead of " + std::to_string(expected));
    }

    // ---- what the spawner says

    void meet_parts() {
        for (auto it = peers_.begin(); it != peers_.end();) {
            it = system_.living.count(it->first) == 0 ? peers_.erase(it) : std::next(it);
        }
        for (auto& [pid, process] : system_.living) {
            if (process.kind != Kind::Part || process.channel < 0) continue;
            UniqueFd fd(process.channel);
            process.channel = -1;
            if (pid == state_->engine.pid) {
                peers_[pid] = {Role::Engine, Channel(std::move(fd), Edge::ES, Edge::SE)};
                known_.clear();
                told_.clear();
            } else if (pid == state_->log.pid) {
                peers_[pid] = {Role::Log, Channel(std::move(fd), Edge::LS, Edge::SL)};
            } else {
                peers_[pid] = {Role::Rpc, Channel(std::move(fd), Edge::RE, Edge::SR)};
            }
        }
    }

    void listen(Peer& peer) {
        for (;;) {
            switch (peer.channel.receive(buffer_, received_)) {
                case Receive::Message: on_message(received_.message); break;
                case Receive::Violation: broken("says what the catalogue forbids:", peer.channel.reason());
                case Receive::End: peer.channel.close(); return;
                case Receive::Nothing: return;
            }
        }
    }

    Known* known(std::uint32_t slot) {
        for (Known& one : known_) {
            if (one.slot == slot) return &one;
        }
        return nullptr;
    }

    void learn(std::uint32_t slot, std::uint32_t serial, bool exited) {
        if (Known* one = known(slot)) {
            *one = {slot, serial, exited};
        } else {
            known_.push_back({slot, serial, exited});
        }
    }

    void on_message(const Message& message) {
        switch (message.type) {
            case Msg::CONFIG: generation_ = message.as<ConfigBody>().generation; break;
            case Msg::SPAWNED: {
                if (message.serial <= last_serial_) broken("a serial that is not new");
                last_serial_ = message.serial;
                learn(message.as<SpawnedBody>().slot, message.serial, false);
                break;
            }
            case Msg::SLOT: {
                auto body = message.as<SlotBody>();
                last_serial_ = std::max(last_serial_, message.serial);
                if (body.state == SlotState::Empty) break;
                learn(body.slot, message.serial, body.state == SlotState::Exited);
                if (body.state == SlotState::Exited) told_.insert(message.serial);
                break;
            }
            case Msg::EXITED: {
                auto slot = message.as<ExitedBody>().slot;
                Known* one = known(slot);
                if (one == nullptr || one->serial != message.serial)
                    broken("EXITED of a child that was not told");
                if (!told_.insert(message.serial).second) broken("EXITED twice");
                one->exited = true;
                break;
            }
            default: break;
        }
    }

    // ---- what happens to it

    Peer* peer(Role role) {
        for (auto& [pid, one] : peers_) {
            if (one.role == role && one.channel.open()) return &one;
        }
        return nullptr;
    }

    template <typename Body>
    void say(Role role, Msg type, std::uint32_t serial, const Body& body) {
        if (Peer* one = peer(role)) one->channel.send(type, serial, body);
    }
    template <typename Body>
    void engine_says(Msg type, std::uint32_t serial, const Body& body) {
        say(Role::Engine, type, serial, body);
    }

    // Bytes as they come, behind a header that is mostly right.
    void say_raw() {
        Peer* one = peer(input_.byte() % 2 != 0 ? Role::Engine : Role::Log);
        if (one == nullptr) return;
        Header header{input_.byte(), 0, input_.number()};
        const MessageRow* row = find_message(header.type);
        std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
        std::uint32_t size = row != nullptr ? row->body_size : input_.byte();
        for (std::uint32_t i = 0; i < size; i += 4) {
            std::uint32_t field = input_.number();
            bytes.append(reinterpret_cast<const char*>(&field), std::min<std::size_t>(4, size - i));
        }
        std::uint8_t twist = input_.byte();
        if (twist == 1) bytes.resize(bytes.size() - 1);
        if (twist == 2) bytes.resize(bytes.size() + 1);
        if (twist == 3) bytes.clear();
        if (twist == 4) bytes.resize(kMaxMessage + 1);
        iovec part{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
        if (twist >= 5 && twist < 13) {
            std::size_t count = twist - 4U;
            message.msg_control = control;
            message.msg_controllen = CMSG_SPACE(count * sizeof(int));
            cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
            ancillary->cmsg_level = SOL_SOCKET;
            ancillary->cmsg_type = SCM_RIGHTS;
            ancillary->cmsg_len = CMSG_LEN(count * sizeof(int));
            int fds[8] = {0, 0, 0, 0, 0, 0, 0, 0};
            std::memcpy(CMSG_DATA(ancillary), fds, count * sizeof(int));
        }
        ::sendmsg(one->channel.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    void end_process(Kind kind) {
        std::vector<pid_t> pids;
        for (auto& [pid, process] : system_.living) {
            if (process.kind == kind) pids.push_back(pid);
        }
        if (pids.empty()) return;
        pid_t pid = pids[input_.byte() % pids.size()];
        std::uint8_t how = input_.byte();
        system_.die(pid, how % 2 == 0 ? (how << 8) : SIGTERM);
    }

    void end_confread() {
        const Reread& reread = state_->reread;
        if (system_.living.count(reread.pid) == 0) return;
        std::uint8_t how = input_.byte() % 4;
        if (how < 2 && reread.image.valid()) {
            std::size_t size = how == 0 ? image_bytes().size() : input_.byte() * 8U;
            int image = reread.image.get(), view = reread.view.get();
            bool written = ::write(image, image_bytes().data(), size) == static_cast<ssize_t>(size) &&
                           ::write(view, "a view", 6) == 6;
            if (!written) broken("writing an image");
            ::fcntl(image, F_ADD_SEALS, kSeals);
            if (input_.byte() % 16 != 0) ::fcntl(view, F_ADD_SEALS, kSeals);
        }
        system_.die(reread.pid, how < 2 ? 0 : how == 2 ? 2 << 8 : SIGSEGV);
    }

    void fail_a_call() {
        static constexpr const char* kCalls[] = {"clone",   "fork",     "pipe2",        "socketpair",
                                                 "sendmsg", "writev",   "memfd_create", "mmap",
                                                 "openat",  "unlinkat", "renameat"};
        static constexpr int kErrors[] = {EMFILE, ENOMEM, EAGAIN, EACCES, ENOBUFS, ETOOMANYREFS, EPIPE};
        system_.failing = kCalls[input_.byte() % std::size(kCalls)];
        system_.failing_error = kErrors[input_.byte() % std::size(kErrors)];
    }

    void send_signal() {
        static constexpr std::uint32_t kSignals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
        signal_is(kSignals[input_.byte() % 6]);
    }
    void signal_is(std::uint32_t signo) {
        signalfd_siginfo info{};
        info.ssi_signo = signo;
        ssize_t ignored = ::write(signals_.get(), &info, sizeof info);
        static_cast<void>(ignored);
    }

    void turn() {
        meet_parts();
        judge();
        // Who reads, reads all.
        for (auto& [pid, one] : peers_) {
            if (!one.deaf) listen(one);
        }
        received_ = Received{};
        if (input_.empty()) throw Over{};
        act();
        if (!system_.dead.empty()) signal_is(SIGCHLD);
        system_.now_us += 100;
    }

    void act() {
        std::uint32_t slot;
        switch (input_.byte() % 32) {
            case 0:
            case 1: return engine_says(Msg::READY, 0, Empty{});
            case 2:
            case 3:
            case 4: {
                std::uint32_t group = input_.number() % 5;
                return engine_says(Msg::ACTIVATE, 0, GroupBody{generation_, group, input_.number()});
            }
            case 5: {
                const GroupBody* group = state_->table.active_group(input_.number());
                if (group == nullptr) return;
                return engine_says(Msg::DEACTIVATE, 0,
                                   GroupBody{group->generation, group->group, group->first_slot});
            }
            case 6:
            case 7:
            case 8:
            case 9: return engine_says(Msg::SPAWN, 0, SpawnBody{input_.number()});
            case 10: return engine_says(Msg::CHECK, 5, CheckBody{input_.number()});
            case 11:
            case 12:
            case 13: {
                slot = input_.number();
                Known* one = known(slot);
                std::uint32_t serial = (one != nullptr ? one->serial : 0) + (input_.byte() == 7 ? 1 : 0);
                std::uint32_t flags = input_.byte() % 4;
                return engine_says(Msg::KILL, serial, KillBody{slot, input_.byte() % 66U, flags});
            }
            case 14:
            case 15:
                for (const Known& one : known_) {
                    if (!one.exited) continue;
                    return engine_says(Msg::ACK_EXIT, one.serial + (input_.byte() == 7 ? 1 : 0),
                                       AckExitBody{one.slot});
                }
                return;
            case 16: return engine_says(Msg::NOTE, 0, NoteBody{input_.number(), {1, 2, 3}});
            case 17: return engine_says(Msg::RELOAD, input_.number(), Empty{});
            case 18: {
                auto mode = static_cast<FinishMode>(input_.byte() % 3);
                if (input_.byte() % 2 == 0) return engine_says(Msg::STOPPING, 0, StoppingBody{mode});
                return engine_says(Msg::FINISH, 0, FinishBody{mode, 0, 7});
            }
            case 19:
            case 20: {
                std::uint32_t stream = input_.number();
                return say(Role::Log, Msg::OPEN, 9, OpenBody{stream, static_cast<FileOp>(input_.byte() % 5)});
            }
            case 21: {
                slot = input_.number();
                Known* one = known(slot);
                return say(Role::Log, Msg::S_DRAINED, one != nullptr ? one->serial : 3, DrainBody{slot});
            }
            case 22:
            case 23: return end_process(Kind::Program);
            case 24: {
                if (input_.byte() % 2 != 0) return end_process(Kind::Part);
                if (Peer* one = peer(static_cast<Role>(1 + input_.byte() % 3))) one->channel.close();
                return;
            }
            case 25: {
                static constexpr std::uint64_t kSteps[] = {1, 20, 1000, 11'000, 61'000, 3'600'000};
                system_.now_us += kSteps[input_.byte() % 6] * 1000;
                return;
            }
            case 26: return fail_a_call();
            case 27:
                if (Peer* one = peer(static_cast<Role>(1 + input_.byte() % 3))) one->deaf = !one->deaf;
                return;
            case 28: return send_signal();
            case 29: return end_confread();
            default: return say_raw();
        }
    }

    Input input_;
    System& system_;
    std::unique_ptr<State> state_;
    UniqueFd signals_;
    std::map<pid_t, Peer> peers_;
    std::vector<Known> known_;
    std::set<std::uint32_t> told_;
    std::uint32_t generation_ = 0;
    std::uint32_t last_serial_ = 0;
    std::size_t base_descriptors_ = 0;
    std::uint64_t turns_ = 0;
    ReceiveBuffer buffer_;
    Received received_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    ::signal(SIGPIPE, SIG_IGN);
    std::make_unique<Machine>(Input(data, size))->run();
    return 0;
}
