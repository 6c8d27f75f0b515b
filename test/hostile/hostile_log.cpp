// A captured log writer: asks for every file of every stream, real or not, wipes and rotates them without
// end, and tells the engine lies about output, ends and files.
//
// What it may do is to forge, withhold or wipe the configured logs. It notes the inode of each file that it
// gets a descriptor of; the driver knows which must never be among them.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "hostile.hpp"

namespace reeve::hostile {
namespace {

struct Child {
    std::uint32_t stream, serial, pid;
};

class HostileLog {
  public:
    explicit HostileLog(Page& page)
        : page_(page), life_(page.lives.fetch_add(1)), chance_(page.seed * 1000 + life_) {
        spawner_ = Wire(UniqueFd(kPartSpawnerFd), Edge::LS, Edge::SL);
    }

    void run() {
        if (page_.mode == Mode::Quick && page_.phase == Phase::Attack && chance_.one_in(8)) break_a_rule();
        turn(1000);
        std::uint64_t most = page_.mode == Mode::Flood ? page_.limit : chance_.below(3000);
        std::uint64_t start = page_.sent;
        while (page_.phase == Phase::Attack && page_.sent - start < most) attack();
        if (page_.phase == Phase::Attack) break_a_rule();
        // From now on: answer, so that a client's request ends, and leave with the spawner.
        for (;;) turn(100);
    }

  private:
    void turn(int milliseconds) {
        int fds[] = {spawner_.fd(), engine_.open() ? engine_.fd() : -1};
        if (milliseconds > 0) wait_readable(fds, milliseconds);
        hear_spawner(page_, spawner_, [this](Received& got) { on_spawner_message(got); });
        hear_peer(engine_, 64, [this](const Message& message) { on_engine_message(message); });
    }

    void on_spawner_message(Received& got) {
        const Message& message = got.message;
        switch (message.type) {
            case Msg::L_PEER: engine_ = Wire(std::move(got.fds[0]), Edge::LE, Edge::EL); break;
            case Msg::STREAM: {
                auto body = message.as<StreamBody>();
                children_.push_back({body.stream, message.serial, body.pid});
                for (std::size_t i = 0; i < got.fd_count; ++i) note_file(got.fds[i].get());
                break;
            }
            case Msg::LOGFILE:
                if (got.fd_count > 0 && got.message.as<LogfileBody>().stream != kSyslogStream)
                    note_file(got.fds[0].get());
                break;
            case Msg::DRAIN: {
                auto body = message.as<DrainBody>();
                if (!chance_.one_in(3)) say(Msg::S_DRAINED, message.serial, body);
                if (!chance_.one_in(3)) tell_engine(Msg::DRAINED, message.serial, body, "");
                break;
            }
            default: break;
        }
    }

    void on_engine_message(const Message& message) {
        if (message.type == Msg::SYNC || message.type == Msg::READ || message.type == Msg::CLEAR)
            tell_engine(Msg::DONE, message.serial, DoneBody{}, "");
    }

    // Pipes are not of interest: regular files are what the spawner opens for it.
    void note_file(int fd) {
        struct stat status {};
        if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
        std::uint64_t count = page_.inode_count;
        for (std::uint64_t i = 0; i < count; ++i) {
            if (page_.inodes[i] == status.st_ino) return;
        }
        if (count == kMaxInodes) return;
        page_.inodes[count] = status.st_ino;
        page_.inode_count = count + 1;
    }

    template <typename Body>
    void say(Msg type, std::uint32_t serial, const Body& body) {
        for (int i = 0; i < 100 && !spawner_.send(page_, type, serial, body); ++i) ::poll(nullptr, 0, 1);
    }
    // For as long as it takes.
    template <typename Body>
    void insist(Msg type, const Body& body) {
        while (!spawner_.send(page_, type, 1, body)) turn(1);
    }
    template <typename Body>
    void tell_engine(Msg type, std::uint32_t serial, const Body& body, std::string_view tail) {
        if (engine_.open()) engine_.send(page_, type, serial, body, tail);
    }

    Child any_child() {
        if (children_.empty()) return {chance_.odd_number(), chance_.odd_number(), 1};
        return children_[chance_.below(static_cast<std::uint32_t>(children_.size()))];
    }

    // One thing that the rules allow.
    void attack() {
        if (++moves_ % 16 == 0 && deaf_ == 0) turn(0);
        if (deaf_ > 0) {
            if (!takes_more(spawner_.fd())) deaf_ = 1;
            --deaf_;
        } else if (chance_.one_in(10'000)) {
            deaf_ = chance_.below(5000);
        }
        Child child = any_child();
        std::uint32_t move = chance_.below(100);
        if (move < 40) {
            static constexpr std::uint32_t kOwn[] = {kMainLogStream, kSyslogStream};
            std::uint32_t stream = chance_.one_in(3)    ? chance_.below(2 * kMaxSlots)
                                   : chance_.one_in(20) ? kOwn[chance_.below(2)]
                                                        : child.stream;
            if (stream == kConsoleStream) stream = 0;
            spawner_.send(page_, Msg::OPEN, chance_.odd_number(),
                          OpenBody{stream, static_cast<FileOp>(chance_.below(4))});
        } else if (move < 60) {
            spawner_.send(
                page_, Msg::S_DRAINED, chance_.one_in(4) ? child.serial : chance_.odd_number(),
                DrainBody{chance_.one_in(2) ? child.stream / 2 % kMaxSlots : chance_.below(kMaxSlots)});
        } else {
            lie_to_engine(child);
        }
        if (!takes_more(spawner_.fd())) turn(1);
    }

    void lie_to_engine(const Child& child) {
        if (!engine_.open()) return turn(1);
        std::uint32_t serial = chance_.one_in(2) ? child.serial : chance_.odd_number();
        switch (chance_.below(7)) {
            case 0:
                return tell_engine(Msg::OUTPUT, serial, OutputBody{child.stream, child.pid},
                                   noise(chance_, 600));
            case 1:
                return tell_engine(Msg::COMM, serial,
                                   CommBody{chance_.one_in(2) ? child.stream : chance_.odd_number(),
                                            child.pid, chance_.below(2), 0},
                                   noise(chance_, 600));
            case 2: return tell_engine(Msg::BYTES, chance_.odd_number(), Empty{}, noise(chance_, 600));
            case 3: {
                DoneBody body{static_cast<DoneResult>(chance_.odd_number()),
                              static_cast<std::int32_t>(chance_.next()),
                              chance_.odd_number(),
                              0,
                              static_cast<std::int64_t>(chance_.next()),
                              0};
                return tell_engine(Msg::DONE, chance_.odd_number(), body, "");
            }
            case 4: return tell_engine(Msg::DRAINED, serial, DrainBody{chance_.odd_number()}, "");
            case 5:
                return tell_engine(Msg::LOST, serial, LostBody{chance_.odd_number(), 0, chance_.next()}, "");
            default:
                if (page_.mode == Mode::Flood) return;
                if (chance_.one_in(100)) {
                    engine_.violate(page_, chance_);
                } else {
                    engine_.odd(page_, chance_);
                }
        }
    }

    void break_a_rule() {
        page_.violations.fetch_add(1);
        switch (chance_.below(8)) {
            case 0: insist(Msg::OPEN, OpenBody{0, static_cast<FileOp>(4 + chance_.below(100))}); break;
            case 1: insist(Msg::OPEN, OpenBody{kConsoleStream, FileOp::Reopen}); break;
            case 2: insist(Msg::OPEN, OpenBody{2 * kMaxSlots, FileOp::Clear}); break;
            case 3: insist(Msg::S_DRAINED, DrainBody{kMaxSlots + chance_.below(1000)}); break;
            case 4: ::shutdown(spawner_.fd(), SHUT_WR); break;
            case 5: spawner_.close(); break;
            default:
                while (!spawner_.violate(page_, chance_)) turn(1);
                break;
        }
        for (Deadline late(kPatienceMs); !late.over();) {
            ::poll(nullptr, 0, 25);
            if (spawner_.open()) turn(0);
        }
        page_.leaks |= kNotKilled;
        std::_Exit(0);
    }

    Page& page_;
    std::uint64_t life_;
    Chance chance_;
    Wire spawner_, engine_;
    std::vector<Child> children_;
    std::uint64_t moves_ = 0;
    std::uint32_t deaf_ = 0;
};

}  // namespace
}  // namespace reeve::hostile

int main() { return reeve::hostile::play<reeve::hostile::HostileLog>(reeve::SandboxPart::Log); }
