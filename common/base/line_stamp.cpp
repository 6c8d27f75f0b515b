// When a log line was made, in few bits. See log_line.hpp. The spawner writes its lines at once and needs
// none of this.
#include "common/base/log_line.hpp"

namespace reeve {

std::uint32_t line_stamp(std::int64_t wall_us) {
    auto stamp = static_cast<std::uint32_t>(wall_us / 1000);
    return stamp != 0 ? stamp : 1;
}

std::int64_t line_age_ms(std::uint32_t stamp, std::int64_t now_us) {
    constexpr std::uint32_t kOldest = 24 * 3600 * 1000;
    std::uint32_t age = static_cast<std::uint32_t>(now_us / 1000) - stamp;
    return stamp != 0 && age <= kOldest ? age : 0;
}

}  // namespace reeve
