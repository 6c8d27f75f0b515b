// The engine as a whole: groups, start, stop, what the log writer and the front say. See supervisor.hpp; what
// the spawner says is in from_spawner.cpp.
#include "daemon/engine/supervisor.hpp"

#include <algorithm>
#include <utility>

#include "daemon/engine/calls.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMaxCaptured = 64 * 1024 * 1024;  // bytes of one PROCESS_COMMUNICATION event
// Microseconds before the slots of a group that was removed are used again. What is under way about its logs
// names only the slot (READ, CLEAR, OPEN), and must not find another process there.
constexpr std::uint64_t kSlotsRest = 1'000'000;

}  // namespace

Supervisor::Supervisor(Loop& loop, UniqueFd spawner, std::function<void(const char*)> end)
    : loop_(loop),
      end_(std::move(end)),
      log_(loop, *this),
      spawner_(loop, *this),
      events_(loop),
      front_(loop, log_, auth_, *this),
      surroundings_{loop,
                    log_,
                    spawner_,
                    events_,
                    [this] { return shutdown_.mood() == Mood::Running; },
                    [this](std::shared_ptr<Member> member) {
                        changed_.push_back(std::move(member));
                        wake();
                    },
                    [this] { wake(); }},
      shutdown_(surroundings_, groups_, [this] { return front_.queued_bytes() > 0; }),
      reload_(spawner_),
      turn_(loop.make_timer([this] { on_turn(); })),
      calls_(std::make_unique<Calls>(*this, surroundings_)) {
    spawner_.attach(std::move(spawner));
}

Supervisor::~Supervisor() {
    waking_ = true;  // there is no further turn for the groups to ask for while they end
    groups_.clear();
}

// ---- turns ----------------------------------------------------------------------------------------------

// What follows from an event is done when the event is over, so that nobody who is in the middle of a change
// is asked for another one.
void Supervisor::wake() {
    if (waking_) return;
    waking_ = true;
    turn_->start(0);
}

void Supervisor::on_turn() {
    waking_ = false;
    for (const auto& member : std::exchange(changed_, {})) member->deliver_changes();
    shutdown_.step();
}

// ---- groups ---------------------------------------------------------------------------------------------

Group* Supervisor::find_group(std::string_view name) const {
    auto it = by_name_.find(name);
    return it != by_name_.end() ? it->second : nullptr;
}

Member* Supervisor::member_at(std::uint32_t slot) const {
    return slot < slots_.size() ? slots_[slot] : nullptr;
}

bool Supervisor::is_free(std::uint32_t slot) const {
    return slot >= slots_.size() || (slots_[slot] == nullptr && !rests_[slot]);
}

// The lowest row of `count` free slots.
bool Supervisor::reserve_slots(std::uint32_t count, std::uint32_t& first) const {
    first = lowest_free_;
    for (std::uint32_t slot = first; slot - first < count; ++slot) {
        if (slot >= kMaxSlots) return false;
        if (!is_free(slot)) first = slot + 1;
    }
    return true;
}

// Frees the slots whose rest ends by then.
void Supervisor::end_rest(std::uint64_t time) {
    for (; !resting_.empty() && resting_.front().end <= time; resting_.pop_front()) {
        const Resting& row = resting_.front();
        for (std::uint32_t i = 0; i < row.count; ++i) rests_[row.first + i] = false;
        lowest_free_ = std::min(lowest_free_, row.first);
    }
}

Group& Supervisor::insert_group(std::shared_ptr<const Generation> generation, std::uint32_t index,
                                std::uint32_t first_slot) {
    auto group = std::make_unique<Group>(surroundings_, std::move(generation), index, first_slot);
    active_slots_ += group->members().size();
    spawner_.active_slots(active_slots_);
    for (const auto& member : group->members()) {
        if (slots_.size() <= member->slot()) {
            slots_.resize(member->slot() + 1, nullptr);
            rests_.resize(slots_.size(), false);
        }
        slots_[member->slot()] = member.get();
    }
    while (lowest_free_ < slots_.size() && !is_free(lowest_free_)) ++lowest_free_;
    by_name_[group->name()] = group.get();
    auto place =
        std::upper_bound(groups_.begin(), groups_.end(), group->priority(),
                         [](int priority, const auto& other) { return priority < other->priority(); });
    return **groups_.insert(place, std::move(group));
}

bool Supervisor::add_group(std::uint32_t index) {
    std::uint32_t count = newest_->image().group(index).procs.count;
    std::uint32_t first_slot = 0;
    end_rest(loop_.monotonic_us());
    bool found = reserve_slots(count, first_slot);
    if (!found) {
        end_rest(UINT64_MAX);  // rather than none
        found = reserve_slots(count, first_slot);
    }
    if (!found) {
        log_.line(Level::Error, "there are no slots left for group " +
                                    std::string(newest_->image().text(newest_->image().group(index).name)));
        return false;
    }
    Group& group = insert_group(newest_, index, first_slot);
    spawner_.activate(group.body());
    events_.emit(EventType::ProcessGroupAdded, group_payload(group.name()));
    if (running_) {
        for (const auto& member : group.members()) member->process().start_if_due();
    }
    return true;
}

void Supervisor::remove_group(Group& group) {
    std::string name = group.name();
    spawner_.deactivate(group.body());
    active_slots_ -= group.members().size();
    spawner_.active_slots(active_slots_);
    auto count = static_cast<std::uint32_t>(group.members().size());
    resting_.push_back({loop_.monotonic_us() + kSlotsRest, group.first_slot(), count});
    for (const auto& member : group.members()) {
        slots_[member->slot()] = nullptr;
        rests_[member->slot()] = true;
        captured_.erase(stream_of(member->slot(), false));
        captured_.erase(stream_of(member->slot(), true));
    }
    by_name_.erase(name);
    std::erase_if(groups_, [&](const auto& other) { return other.get() == &group; });
    events_.emit(EventType::ProcessGroupRemoved, group_payload(name));
}

void Supervisor::start_everything() {
    for (std::uint32_t i = 0; i < newest_->image().group_count(); ++i) {
        if (!add_group(i)) break;
    }
    running_ = true;
    events_.emit(EventType::SupervisorStateChangeRunning, "");
    for (const auto& group : groups_) {
        for (const auto& member : group->members()) member->process().start_if_due();
    }
}

void Supervisor::begin_shutdown() { shutdown_.begin(Mood::Shutdown); }

void Supervisor::begin_restart(std::function<void(const std::string&)> done) {
    reload_.request([this, done = std::move(done)](const std::string& error) {
        if (error.empty()) {
            shutdown_.begin(Mood::Restarting);
        } else {
            log_.line(Level::Error, "no restart, because the configuration cannot be used: " + error);
        }
        if (done) done(error);
    });
}

// ---- the log writer -------------------------------------------------------------------------------------

void Supervisor::on_output(std::uint32_t stream, std::uint32_t, std::uint32_t pid, std::string_view bytes) {
    Member* member = member_at(stream / 2);
    bool is_stderr = stream % 2 != 0;
    EventType type = is_stderr ? EventType::ProcessLogStderr : EventType::ProcessLogStdout;
    if (member == nullptr || !events_.wanted(type)) return;
    const Process& process = member->process();
    events_.emit(type, log_payload({process.name(), process.settings().group}, pid, is_stderr, bytes));
}

void Supervisor::on_communication(std::uint32_t stream, std::uint32_t, std::uint32_t pid,
                                  std::string_view bytes, bool last) {
    Member* member = member_at(stream / 2);
    if (member == nullptr) return;
    std::string& captured = captured_[stream];
    captured += bytes.substr(0, kMaxCaptured - std::min(captured.size(), kMaxCaptured));
    if (!last) return;
    const Process& process = member->process();
    EventType type =
        stream % 2 != 0 ? EventType::ProcessCommunicationStderr : EventType::ProcessCommunicationStdout;
    events_.emit(type, communication_payload({process.name(), process.settings().group}, pid, captured));
    captured_.erase(stream);
}

void Supervisor::on_drained(std::uint32_t slot, std::uint32_t serial) {
    if (Member* member = member_at(slot)) member->process().on_drained(serial);
}

// ---- the front ------------------------------------------------------------------------------------------

void Supervisor::on_call(Call call) { calls_->on_call(std::move(call)); }
void Supervisor::on_pull(std::uint32_t id) { calls_->on_pull(id); }
void Supervisor::on_cancel(std::uint32_t id) { calls_->on_cancel(id); }

}  // namespace reeve
