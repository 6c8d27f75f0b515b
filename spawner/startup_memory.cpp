// The memory for all slots, groups and pids there may ever be, reserved once at the start.
#include <sys/mman.h>

#include "spawner/table.hpp"

namespace reeve {
namespace {

template <typename T>
bool reserve(T*& out, std::size_t count) {
    void* memory = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    out = static_cast<T*>(memory);
    return true;
}

}  // namespace

bool Table::open() {
    return reserve(slots_, kMaxSlots) && reserve(groups_, kMaxSlots) && reserve(by_pid_, kPidLimit);
}

}  // namespace reeve
