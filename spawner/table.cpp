// Generations, active groups and slots. See table.hpp.
#include "spawner/table.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <cstring>
#include <new>

#include "common/base/log_line.hpp"

namespace reeve {
namespace {

// The size of a memfd that nobody can change any more, or 0.
std::size_t sealed_size(int fd) {
    constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int seals = ::fcntl(fd, F_GET_SEALS);
    struct stat status {};
    if (seals < 0 || (seals & kAllSeals) != kAllSeals || ::fstat(fd, &status) != 0) return 0;
    return status.st_size > 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

std::uint64_t clock_us(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

std::uint64_t wall_us() { return clock_us(CLOCK_REALTIME); }
std::uint64_t mono_us() { return clock_us(CLOCK_MONOTONIC); }

const char* Table::add_generation(UniqueFd image, UniqueFd view) {
    std::size_t size = sealed_size(image.get());
    std::size_t view_size = sealed_size(view.get());
    if (size == 0 || view_size == 0) return "an image is not sealed";
    if (size > kMaxImage || view_size > kMaxImage) return "an image is too long";
    Generation* place = place_of(0);
    if (place == nullptr) return "too many generations of the configuration are in use";

    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, image.get(), 0);
    if (memory == MAP_FAILED) return "an image cannot be mapped";
    SpawnerImage mapped;
    if (const char* wrong = mapped.open({static_cast<const std::byte*>(memory), size})) {
        ::munmap(memory, size);
        return wrong;
    }
    place->number = ++newest_;
    place->active_groups = 0;
    place->image = mapped;
    place->view = static_cast<UniqueFd&&>(view);
    place->view_size = static_cast<std::uint32_t>(view_size);
    if (newest_ == 1) boot_ = mapped;
    forget_unused();
    return nullptr;
}

void Table::forget_unused() {
    for (Generation& old : generations_) {
        // Generation 1 stays: its servers and passwords hold until a restart, and a new engine has to know
        // them.
        if (old.number <= 1 || old.number == newest_ || old.active_groups != 0) continue;
        std::span<const std::byte> bytes = old.image.bytes();
        ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
        old = Generation{};
    }
}

Generation* Table::place_of(std::uint32_t number) {
    for (Generation& candidate : generations_) {
        if (candidate.number == number) return &candidate;
    }
    return nullptr;
}

Generation* Table::generation_from(std::uint32_t number) {
    Generation* next = nullptr;
    for (Generation& candidate : generations_) {
        bool fits = candidate.number != 0 && candidate.number >= number;
        if (fits && (next == nullptr || candidate.number < next->number)) next = &candidate;
    }
    return next;
}

const SpawnerImage& Table::image_of(const Slot& slot) {
    Generation* owner = generation(slot.generation);
    REEVE_CHECK(owner != nullptr);  // an active slot keeps its group, and the group its generation
    return owner->image;
}

const char* Table::activate(const GroupBody& body) {
    Generation* owner = generation(body.generation);
    if (owner == nullptr || body.generation != newest_)
        return "sent ACTIVATE of another than the newest generation";
    if (body.group >= owner->image.group_count()) return "sent ACTIVATE of an unknown group";
    Range procs = owner->image.group(body.group).procs;
    if (body.first_slot > kMaxSlots || kMaxSlots - body.first_slot < procs.count || group_count_ == kMaxSlots)
        return "sent ACTIVATE of slots beyond the table";
    // Once, whatever generation it is of: else each re-read would be good for one more copy of every program.
    std::string_view name = owner->image.text(owner->image.group(body.group).name);
    for (std::uint32_t i = 0; i < group_count_; ++i) {
        const SpawnerImage& other = generation(groups_[i].generation)->image;
        if (other.text(other.group(groups_[i].group).name) == name)
            return "sent ACTIVATE of a group that is active";
    }
    for (std::uint32_t i = 0; i < procs.count; ++i) {
        if (slots_[body.first_slot + i].active) return "sent ACTIVATE of a slot that is active";
    }
    for (std::uint32_t i = 0; i < procs.count; ++i) {
        Slot& slot = *new (&slots_[body.first_slot + i]) Slot{};
        slot.slot = body.first_slot + i;
        slot.active = true;
        slot.generation = body.generation;
        slot.proc = procs.first + i;
    }
    groups_[group_count_++] = body;
    active_slots_ += procs.count;
    if (body.first_slot + procs.count > high_) high_ = body.first_slot + procs.count;
    ++owner->active_groups;
    return nullptr;
}

const char* Table::deactivate(const GroupBody& body) {
    std::uint32_t at = 0;
    while (at < group_count_ && std::memcmp(&groups_[at], &body, sizeof body) != 0) ++at;
    if (at == group_count_) return "sent DEACTIVATE of a group that is not active";
    Generation* owner = generation(body.generation);
    REEVE_CHECK(owner != nullptr);  // an active group keeps its generation
    Range procs = owner->image.group(body.group).procs;
    for (std::uint32_t i = 0; i < procs.count; ++i) {
        if (slots_[body.first_slot + i].state != SlotState::Empty) return "sent DEACTIVATE of a slot in use";
    }
    for (std::uint32_t i = 0; i < procs.count; ++i) slots_[body.first_slot + i] = Slot{};
    // The order of the others stays: a new engine is told of the groups as they were activated.
    for (; at + 1 < group_count_; ++at) groups_[at] = groups_[at + 1];
    --group_count_;
    active_slots_ -= procs.count;
    --owner->active_groups;
    forget_unused();
    return nullptr;
}

void Table::born(Slot& slot, pid_t pid) {
    slot.state = SlotState::Live;
    slot.serial = next_serial_++;
    if (next_serial_ == 0) next_serial_ = 1;
    slot.pid = static_cast<std::uint32_t>(pid);
    slot.start_us = wall_us();
    slot.start_mono_us = mono_us();
    slot.end_us = 0;
    slot.wait_status = slot.killed = 0;
    slot.out_of_reach = false;
    by_pid_[pid] = slot.slot + 1;
}

void Table::died(Slot& slot, int wait_status) {
    by_pid_[slot.pid] = 0;
    slot.state = SlotState::Exited;
    slot.wait_status = static_cast<std::uint32_t>(wait_status);
    slot.end_us = wall_us();
    slot.in.reset();
    slot.exit_untold = slot.drain_untold = slot.draining = true;
    exits_untold = streams_untold = true;
}

Slot* Table::by_pid(pid_t pid) {
    if (pid <= 0 || static_cast<std::uint32_t>(pid) >= kPidLimit || by_pid_[pid] == 0) return nullptr;
    Slot* slot = find(by_pid_[pid] - 1);
    return slot != nullptr && slot->state == SlotState::Live && slot->pid == static_cast<std::uint32_t>(pid)
               ? slot
               : nullptr;
}

}  // namespace reeve
