// Which bytes of a log a client gets: the rules of readLog and of tailLog, with their old irregularities.
#pragma once

#include <cstdint>

namespace reeve {

struct ReadPlan {
    bool bad_arguments = false;
    bool overflow = false;    // tail only: the log has grown by more than was asked for
    std::int64_t offset = 0;  // within the file
    std::int64_t length = 0;  // bytes; offset + length <= size
};

// offset < 0 with length 0: the last -offset bytes. length 0: up to the end. size is the file's.
ReadPlan plan_read(std::int64_t offset, std::int64_t length, std::int64_t size);

// Mostly the last `length` bytes, delivered before or not.
ReadPlan plan_tail(std::int64_t offset, std::int64_t length, std::int64_t size);

}  // namespace reeve
