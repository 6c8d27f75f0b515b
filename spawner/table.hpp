// The spawner's memory: which generations of the image are mapped, which groups are active, and the slots,
// one for each process of an active group.
//
// Nothing here trusts a number from a message: find() and the other look-ups answer nullptr for what does not
// exist. All memory is reserved once at the start and touched only when used, so that no request can fail for
// want of it and none can make the process grow without bound.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>

#include "common/base/image.hpp"
#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"

namespace reeve {

constexpr std::uint32_t kPidLimit = 4 * 1024 * 1024;  // the kernel's PID_MAX_LIMIT
constexpr std::uint32_t kNoSlot = 0xFFFFFFFF;
constexpr std::size_t kMaxGenerations = 256;  // mapped at one time

// What an engine is told of it (SlotBody), and the rest. Beyond its state nothing holds for an empty slot.
struct Slot : SlotBody {
    bool active = false;
    std::uint32_t generation = 0;
    std::uint32_t proc = 0;               // index in that generation's image
    std::uint32_t serial = 0;             // of the child that is or was last here
    bool out_of_reach = false;            // it has become another user: signals are refused
    bool exit_untold = false;             // EXITED is to be sent to the engine
    bool drain_untold = false;            // DRAIN is to be sent to the log writer
    bool draining = false;                // the child is dead, its output is perhaps not yet all written
    std::array<bool, 2> stream_untold{};  // STREAM is to be sent to the log writer: stdout, stderr
    std::uint32_t fcgi = kAbsent;         // the FastCGI socket that this child holds
    UniqueFd in;                          // write end of stdin; absent for FastCGI
    std::array<UniqueFd, 2> out;          // read ends of stdout and stderr
};

struct Generation {
    std::uint32_t number = 0;  // 0: this place is free
    std::uint32_t active_groups = 0;
    SpawnerImage image;
    UniqueFd view;  // the engine's image
    std::uint32_t view_size = 0;
};

class Table {
  public:
    // Reserves the memory. False (with errno) if the system has none (startup_memory.cpp).
    bool open();

    // Maps a pair of sealed memfds as the newest generation and forgets those that nobody uses any more.
    // Answers nullptr, or what is wrong with the images; then nothing has changed.
    const char* add_generation(UniqueFd image, UniqueFd view);
    Generation* generation(std::uint32_t number) { return number == 0 ? nullptr : place_of(number); }
    // The generation with the smallest number not below the given one, or nullptr.
    Generation* generation_from(std::uint32_t number);
    std::uint32_t newest() const { return newest_; }
    // The image that the daemon started with. It stays mapped: listeners, pidfile and main log are in it.
    const SpawnerImage& boot() const { return boot_; }

    // Each answers nullptr, or why the request breaks the rules; then nothing has changed.
    const char* activate(const GroupBody& group);
    const char* deactivate(const GroupBody& group);
    const GroupBody* active_group(std::uint32_t i) const { return i < group_count_ ? &groups_[i] : nullptr; }

    // The active slot of that number, or nullptr.
    Slot* find(std::uint32_t number) {
        return number < high_ && slots_[number].active ? &slots_[number] : nullptr;
    }
    // The first active slot from that number on, which becomes its; nullptr if there is none.
    Slot* from(std::uint32_t& number) {
        while (number < high_ && !slots_[number].active) ++number;
        return find(number);
    }
    // Numbers at and above this one are not active.
    std::uint32_t high() const { return high_; }
    std::uint32_t active_slots() const { return active_slots_; }
    std::uint32_t active_groups() const { return group_count_; }
    const SpawnerImage& image_of(const Slot& slot);
    const ProcRec& definition(const Slot& slot) { return image_of(slot).proc(slot.proc); }

    // A child lives in the slot from now on: its serial is new, never 0.
    void born(Slot& slot, pid_t pid);
    // The child is dead; its slot is Exited until the engine acknowledges.
    void died(Slot& slot, int wait_status);
    // The slot of a live child's pid, or nullptr.
    Slot* by_pid(pid_t pid);

    // Some slot may have something that is still to be told; these only save a scan.
    bool exits_untold = false;
    bool streams_untold = false;  // STREAM or DRAIN

  private:
    void forget_unused();
    Generation* place_of(std::uint32_t number);  // 0: a free one

    Slot* slots_ = nullptr;
    GroupBody* groups_ = nullptr;
    std::uint32_t* by_pid_ = nullptr;  // slot + 1, by pid
    std::uint32_t group_count_ = 0;
    std::uint32_t high_ = 0;
    std::uint32_t active_slots_ = 0;
    std::uint32_t next_serial_ = 1;
    std::uint32_t newest_ = 0;
    std::array<Generation, kMaxGenerations> generations_;
    SpawnerImage boot_;
};

// Microseconds of the wall clock and of the monotonic clock; milliseconds of the latter.
std::uint64_t wall_us();
std::uint64_t mono_us();
inline std::uint64_t mono_ms() { return mono_us() / 1000; }

}  // namespace reeve
