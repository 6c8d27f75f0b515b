// Hands the images over. See output.hpp.
#include "daemon/confread/output.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace reeve {
namespace {

constexpr int kSealTries = 100;
constexpr useconds_t kSealPauseUs = 10'000;

}  // namespace

bool is_memory_file(int fd) {
    int seals = ::fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & (F_SEAL_SEAL | F_SEAL_WRITE)) == 0;
}

bool write_sealed(int fd, std::span<const std::byte> bytes) {
    if (::ftruncate(fd, 0) != 0) return false;
    std::size_t written = 0;
    while (written < bytes.size()) {
        ssize_t got =
            ::pwrite(fd, bytes.data() + written, bytes.size() - written, static_cast<off_t>(written));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        written += static_cast<std::size_t>(got);
    }
    // The kernel may hold a page of it for a moment, and then says EBUSY as if somebody could still write.
    for (int tries = 0; tries < kSealTries; ++tries) {
        if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
            return true;
        if (errno != EBUSY) return false;
        ::usleep(kSealPauseUs);
    }
    return false;
}

}  // namespace reeve
