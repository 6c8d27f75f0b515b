// The rules of reading. See read_rules.hpp.
#include "daemon/logwriter/read_rules.hpp"

#include <algorithm>
#include <limits>

namespace reeve {
namespace {

std::int64_t add(std::int64_t one, std::int64_t other) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(one, other, &sum)) return sum;
    return other > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

ReadPlan plan_read(std::int64_t offset, std::int64_t length, std::int64_t size) {
    ReadPlan plan;
    if (length < 0 || (offset < 0 && length != 0)) {
        plan.bad_arguments = true;
        return plan;
    }
    plan.offset = offset < 0 ? std::max<std::int64_t>(add(size, offset), 0) : std::min(offset, size);
    plan.length = size - plan.offset;
    if (length != 0) plan.length = std::min(plan.length, length);
    return plan;
}

ReadPlan plan_tail(std::int64_t offset, std::int64_t length, std::int64_t size) {
    ReadPlan plan;
    plan.overflow = size > add(offset, length);
    if (plan.overflow) offset = size - 1;
    if (add(offset, length) > size) {
        if (offset > size - 1) length = 0;
        offset = size - length;
    }
    plan.offset = std::clamp<std::int64_t>(offset, 0, size);
    plan.length = std::clamp<std::int64_t>(length, 0, size - plan.offset);
    return plan;
}

}  // namespace reeve
