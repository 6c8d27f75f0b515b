// A captured engine: runs the configured programs after its own fancy, says what the rules allow as fast as
// it can, breaks them in the end, and lies to the log writer and the front all the while.
//
// What it may do is to start, stop, signal and feed the configured programs. The driver looks from outside
// whether that was all.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "common/base/image.hpp"
#include "hostile.hpp"

namespace reeve::hostile {
namespace {

struct Place {
    bool active = false;
    bool spawning = false;
    SlotState state = SlotState::Empty;
    std::uint32_t serial = 0;
};

struct Group {
    std::uint32_t generation, index, first, count;
};

class HostileEngine {
  public:
    explicit HostileEngine(Page& page)
        : page_(page), life_(page.lives.fetch_add(1)), chance_(page.seed * 1000 + life_), places_(kMaxSlots) {
        spawner_ = Wire(UniqueFd(kPartSpawnerFd), Edge::ES, Edge::SE);
    }

    void run() {
        half_protocol();
        while (!introduced_) turn(1000);
        if (page_.phase == Phase::Attack && chance_.one_in(12)) {
            spawner_.odd(page_, chance_);  // before READY
            page_.violations.fetch_add(1);
        }
        spawner_.send(page_, Msg::READY, 0, Empty{});
        activate_all();
        while (page_.phase == Phase::Attack) {
            std::uint64_t most = page_.mode == Mode::Flood ? page_.limit : chance_.below(3000);
            std::uint64_t start = page_.sent;
            while (page_.phase == Phase::Attack && page_.sent - start < most) attack();
            if (page_.phase == Phase::Attack) break_a_rule();
        }
        calm();
    }

  private:
    // ---- what the spawner says

    // Handles what is there; waits so long for the first of it.
    void turn(int milliseconds) {
        int fds[] = {spawner_.fd(), log_.open() ? log_.fd() : -1, front_.open() ? front_.fd() : -1};
        if (milliseconds > 0) wait_readable(fds, milliseconds);
        hear_spawner(page_, spawner_, [this](Received& got) { on_message(got); });
        for (Wire* peer : {&log_, &front_}) hear_peer(*peer, 64, [](const Message&) {});
    }

    void on_message(Received& got) {
        const Message& message = got.message;
        switch (message.type) {
            case Msg::HELLO: ending_ = (message.as<HelloBody>().flags & kHelloStopping) != 0; break;
            case Msg::PEER:
                if (message.as<PeerBody>().role == Role::Log)
                    log_ = Wire(std::move(got.fds[0]), Edge::EL, Edge::LE);
                else
                    front_ = Wire(std::move(got.fds[0]), Edge::ER, Edge::RE);
                break;
            case Msg::CONFIG: on_config(message.as<ConfigBody>(), got.fds[0].get()); break;
            case Msg::CONFIG_FAILED: reloading_ = false; break;
            case Msg::GROUP: {
                auto body = message.as<GroupBody>();
                groups_.push_back({body.generation, body.group, body.first_slot, 0});
                break;
            }
            case Msg::SLOT: {
                auto body = message.as<SlotBody>();
                places_[body.slot] = {true, false, body.state, message.serial};
                for (Group& group : groups_) {  // their sizes are not told, but slots follow their groups
                    if (group.first <= body.slot && body.slot - group.first >= group.count)
                        group.count = size_of(group);
                }
                break;
            }
            case Msg::SLOTS_END: introduced_ = true; break;
            case Msg::SPAWNED: {
                Place& place = places_[message.as<SpawnedBody>().slot];
                place = {true, false, SlotState::Live, message.serial};
                break;
            }
            case Msg::SPAWN_FAILED: places_[message.as<SpawnFailedBody>().slot].spawning = false; break;
            case Msg::EXITED: {
                Place& place = places_[message.as<ExitedBody>().slot];
                if (place.serial == message.serial) place.state = SlotState::Exited;
                break;
            }
            case Msg::SIGNAL: {
                std::uint32_t signo = message.as<SignalBody>().signo;
                if (signo == SIGTERM || signo == SIGINT || signo == SIGQUIT) ending_ = true;
                break;
            }
            default: break;
        }
    }

    void on_config(const ConfigBody& body, int fd) {
        reloading_ = false;
        void* memory = ::mmap(nullptr, body.size, PROT_READ, MAP_SHARED, fd, 0);
        if (body.generation <= generation_) page_.leaks |= kOldGeneration;
        generation_ = body.generation;
        sizes_.clear();
        if (memory == MAP_FAILED) return;
        EngineImage image;
        if (image.open({static_cast<const std::byte*>(memory), body.size}) == nullptr) {
            for (std::uint32_t i = 0; i < image.group_count(); ++i)
                sizes_.push_back(image.group(i).procs.count);
        }
        ::munmap(memory, body.size);
    }

    // Groups keep their order over re-reads of an unchanged file.
    std::uint32_t size_of(const Group& group) const {
        return group.index < sizes_.size() ? sizes_[group.index] : 0;
    }

    // ---- what it says

    // A message that must arrive: waits for room, and reads meanwhile.
    template <typename Body>
    void tell(Msg type, std::uint32_t serial, const Body& body) {
        while (!spawner_.send(page_, type, serial, body)) turn(1);
    }

    void activate(std::uint32_t index, std::uint32_t first) {
        Group group{generation_, index, first, sizes_[index]};
        for (std::uint32_t i = 0; i < group.count; ++i) {
            if (places_[first + i].active) return;
        }
        for (const Group& other : groups_) {
            if (other.index == index) return;  // of whatever generation
        }
        tell(Msg::ACTIVATE, 0, GroupBody{generation_, index, first});
        for (std::uint32_t i = 0; i < group.count; ++i)
            places_[first + i] = {true, false, SlotState::Empty, 0};
        groups_.push_back(group);
    }

    void activate_all() {
        std::uint32_t first = 0;
        for (std::uint32_t i = 0; i < sizes_.size(); ++i) {
            activate(i, first);
            first += sizes_[i];
        }
        for (const Group& group : groups_) {
            for (std::uint32_t i = 0; i < group.count; ++i) spawn(group.first + i);
        }
    }

    void spawn(std::uint32_t slot) {
        Place& place = places_[slot];
        if (!place.active || place.spawning || place.state != SlotState::Empty) return;
        tell(Msg::SPAWN, 0, SpawnBody{slot});
        place.spawning = true;
    }

    void ack(std::uint32_t slot) {
        Place& place = places_[slot];
        if (place.state != SlotState::Exited) return;
        tell(Msg::ACK_EXIT, place.serial, AckExitBody{slot});
        place.state = SlotState::Empty;
    }

    bool any_slot(std::uint32_t& slot) {
        if (groups_.empty()) return false;
        const Group& group = groups_[chance_.below(static_cast<std::uint32_t>(groups_.size()))];
        if (group.count == 0) return false;
        slot = group.first + chance_.below(group.count);
        return true;
    }

    std::uint32_t harmless_signal() {
        static constexpr std::uint32_t kSignals[] = {0, SIGCONT, SIGWINCH, SIGURG};
        return chance_.one_in(3000) ? chance_.below(65) : kSignals[chance_.below(4)];
    }

    // One thing that the rules allow.
    void attack() {
        if (++moves_ % 16 == 0 && deaf_ == 0) turn(0);
        if (deaf_ > 0) {
            --deaf_;
            if (!takes_more(spawner_.fd())) deaf_ = 0;
        } else if (chance_.one_in(20'000)) {
            deaf_ = chance_.below(8000);  // talk, and hear nothing
        }
        std::uint32_t slot = 0;
        if (!any_slot(slot)) return activate_all();
        const Place& place = places_[slot];
        std::uint32_t move = chance_.below(100);
        if (move < 30) {
            NoteBody note{slot, {}};
            for (std::uint8_t& byte : note.note) byte = static_cast<std::uint8_t>(chance_.next());
            tell(Msg::NOTE, chance_.odd_number(), note);
        } else if (move < 50) {
            tell(Msg::CHECK, chance_.odd_number(), CheckBody{slot});
        } else if (move < 75) {
            if (place.state != SlotState::Empty && !place.spawning)
                tell(Msg::KILL, place.serial, KillBody{slot, harmless_signal(), chance_.below(4)});
        } else if (move < 80) {
            ack(slot);
        } else if (move < 94) {
            lie_to_peers();
        } else if (move < 97) {
            move_group();
        } else if (chance_.one_in(200)) {
            spawn(slot);
        } else if (chance_.one_in(4000) && !reloading_) {
            tell(Msg::RELOAD, chance_.odd_number(), Empty{});
            reloading_ = true;
        } else if (chance_.one_in(500)) {
            tell(Msg::STOPPING, 0, StoppingBody{FinishMode::Restart});
        }
    }

    // A group of which nothing lives goes to another place, perhaps at the table's very end.
    void move_group() {
        auto at = groups_.begin() + chance_.below(static_cast<std::uint32_t>(groups_.size()));
        Group group = *at;
        for (std::uint32_t i = 0; i < group.count; ++i) {
            const Place& place = places_[group.first + i];
            if (place.state != SlotState::Empty || place.spawning) return;
        }
        tell(Msg::DEACTIVATE, 0, GroupBody{group.generation, group.index, group.first});
        for (std::uint32_t i = 0; i < group.count; ++i) places_[group.first + i] = Place{};
        groups_.erase(at);
        if (group.index >= sizes_.size()) return;
        std::uint32_t room = kMaxSlots - sizes_[group.index];
        activate(group.index, chance_.one_in(4) ? room : chance_.below(chance_.one_in(50) ? room : 200));
    }

    void lie_to_peers() {
        if (log_.open()) {
            bool harmless = page_.mode == Mode::Flood || !chance_.one_in(200);
            if (!harmless) {
                if (chance_.one_in(2))
                    log_.violate(page_, chance_);
                else
                    log_.odd(page_, chance_);
            } else if (chance_.one_in(3)) {
                log_.send(page_, Msg::LINE, 0, LineBody{Level::Info}, noise(chance_, 200));
            } else if (chance_.one_in(2)) {
                std::uint32_t stream = chance_.below(2 * kMaxSlots) >> chance_.below(17);
                log_.send(page_, Msg::READ, ++request_,
                          ReadBody{stream, static_cast<ReadMode>(chance_.below(2)),
                                   static_cast<std::int64_t>(chance_.next()),
                                   static_cast<std::int64_t>(chance_.next())});
            } else if (chance_.one_in(2)) {
                log_.send(page_, Msg::APPEND, chance_.odd_number(), AppendBody{chance_.odd_number(), 0},
                          noise(chance_, 500));
            } else if (chance_.one_in(2)) {
                log_.send(
                    page_, Msg::FOLLOW, ++request_,
                    FollowBody{chance_.below(2 * kMaxSlots) >> chance_.below(17), chance_.odd_number()});
                log_.send(page_, Msg::FOLLOW_MORE, request_, Empty{});
                log_.send(page_, Msg::FOLLOW_END, request_, Empty{});
                log_.send(page_, Msg::SYNC, ++request_, Empty{});
            } else if (chance_.one_in(40)) {
                log_.send(page_, Msg::REOPEN_ALL, 0, Empty{});
            } else {
                log_.send(page_, Msg::CLEAR, ++request_,
                          ClearBody{chance_.one_in(9) ? kMainLogStream
                                                      : chance_.below(2 * kMaxSlots) >> chance_.below(17),
                                    0});
            }
        }
        if (front_.open() && page_.mode == Mode::Quick && chance_.one_in(20)) {
            if (chance_.one_in(2))
                front_.violate(page_, chance_);
            else
                front_.odd(page_, chance_);
        }
    }

    // ---- breaking the rules

    // Some lives stop before they have said READY: at once, or with the socket shut.
    void half_protocol() {
        if (page_.phase != Phase::Attack || page_.mode != Mode::Quick || !chance_.one_in(8)) return;
        page_.violations.fetch_add(1);
        switch (chance_.below(4)) {
            case 0: std::_Exit(0);
            case 1: ::shutdown(spawner_.fd(), SHUT_WR); break;
            case 2: violate(); break;
            default: spawner_.close(); break;
        }
        wait_to_be_killed(true);
    }

    void break_a_rule() {
        std::uint32_t slot = 0;
        any_slot(slot);
        const Place& place = places_[slot];
        bool sure = true;  // whether it breaks one
        page_.violations.fetch_add(1);
        switch (chance_.below(16)) {
            case 0: tell(Msg::READY, 0, Empty{}); break;
            case 1: tell(Msg::SPAWN, 0, SpawnBody{place.state == SlotState::Empty ? kMaxSlots : slot}); break;
            case 2:
                sure = !place.spawning;
                tell(Msg::KILL, place.serial + 1 + chance_.below(9), KillBody{slot, 9, 0});
                break;
            case 3: tell(Msg::KILL, place.serial, KillBody{chance_.odd_number() | 0x10000, 9, 1}); break;
            case 4:
                sure = place.state == SlotState::Empty && !place.spawning;
                tell(Msg::ACK_EXIT, chance_.odd_number(), AckExitBody{slot});
                break;
            case 5: tell(Msg::FINISH, 0, FinishBody{static_cast<FinishMode>(2), 0, 0}); break;
            case 6: tell(Msg::FINISH, 0, FinishBody{FinishMode::Restart, 1, 1}); break;
            case 7: tell(Msg::ACTIVATE, 0, GroupBody{generation_, chance_.odd_number() | 64, 0}); break;
            case 8: tell(Msg::DEACTIVATE, 0, GroupBody{generation_ + 1, 0, 0}); break;
            case 9:
                sure = false;  // the first can have been answered
                tell(Msg::RELOAD, 1, Empty{});
                tell(Msg::RELOAD, 2, Empty{});
                break;
            case 10:
                tell(Msg::STOPPING, 0, StoppingBody{static_cast<FinishMode>(chance_.odd_number() | 2)});
                break;
            case 11: ::shutdown(spawner_.fd(), SHUT_WR); break;
            case 12: spawner_.close(); break;
            case 13:
                sure = false;
                for (int i = 0; i < 20'000; ++i) spawner_.odd(page_, chance_);
                break;
            default: violate(); break;
        }
        wait_to_be_killed(sure);
    }

    void violate() {
        while (!spawner_.violate(page_, chance_)) turn(1);
    }

    // The spawner must do it, whatever this process waits for. What may have broken no rule is not waited for
    // so long; then life goes on.
    void wait_to_be_killed(bool sure) {
        for (Deadline late(sure ? kPatienceMs : 500); !late.over();) {
            ::poll(nullptr, 0, 25);
            if (spawner_.open()) turn(0);
        }
        if (sure) page_.leaks |= kNotKilled;
        if (!spawner_.open()) std::_Exit(0);
    }

    // ---- the end

    void calm() {
        for (;;) {
            turn(introduced_ ? 50 : 1000);
            bool live = false;
            for (const Group& group : groups_) {
                for (std::uint32_t i = 0; i < group.count; ++i) {
                    std::uint32_t slot = group.first + i;
                    Place& place = places_[slot];
                    if (place.state == SlotState::Exited) ack(slot);
                    if (place.spawning) live = true;
                    if (place.state != SlotState::Live || !ending_) continue;
                    live = true;
                    tell(Msg::KILL, place.serial, KillBody{slot, SIGKILL, kKillGroup | kKillStop});
                }
            }
            if (!ending_ || live) continue;
            tell(Msg::STOPPING, 0, StoppingBody{FinishMode::Exit});
            tell(Msg::FINISH, 0, FinishBody{FinishMode::Exit, 0, 0});
            ending_ = false;
        }
    }

    Page& page_;
    std::uint64_t life_;
    Chance chance_;
    Wire spawner_, log_, front_;
    std::vector<Place> places_;
    std::vector<Group> groups_;
    std::vector<std::uint32_t> sizes_;  // of the newest generation's groups
    std::uint32_t generation_ = 0;
    std::uint32_t request_ = 0;
    std::uint64_t moves_ = 0;
    std::uint32_t deaf_ = 0;
    bool introduced_ = false, reloading_ = false, ending_ = false;
};

}  // namespace
}  // namespace reeve::hostile

int main() { return reeve::hostile::play<reeve::hostile::HostileEngine>(reeve::SandboxPart::Engine); }
