// How long pipes may fill. See pace.hpp.
#include "daemon/logwriter/pace.hpp"

#include <algorithm>
#include <utility>

namespace reeve {
namespace {

// Microseconds without output, within which turns follow each other closely.
constexpr std::int64_t kClose = 500;
constexpr std::int64_t kShortest = 50;  // microseconds; what the system can sleep
constexpr std::size_t kWhole = 1000;
constexpr std::size_t kAim = kWhole / 4;

}  // namespace

void Pace::moved(std::size_t bytes, std::size_t capacity, std::int64_t now_us) {
    if (bytes == 0 || capacity == 0) return;
    if (first_us_ == 0) first_us_ = now_us;
    fill_ = std::max(fill_, bytes * kWhole / capacity);
}

std::int64_t Pace::rest() {
    std::int64_t first = std::exchange(first_us_, 0);
    std::size_t fill = std::exchange(fill_, 0);
    if (first == 0) return 0;
    bool full = fill > kWhole * 3 / 4 || (rest_us_ == 0 && fill > kAim);
    if (first - begun_us_ >= kClose || full) {
        rest_us_ = 0;
        return 0;
    }
    // Half as much in the pipe means that twice as long would be right; but slowly, for programs are not
    // steady.
    std::int64_t wanted = rest_us_ * 2;
    if (fill > kAim / 2)
        wanted = rest_us_ * static_cast<std::int64_t>(kAim) / static_cast<std::int64_t>(fill);
    rest_us_ = std::clamp(wanted, std::int64_t{0}, kLongest);
    if (rest_us_ < kShortest) rest_us_ = fill > kAim ? 0 : kShortest;
    return rest_us_;
}

}  // namespace reeve
