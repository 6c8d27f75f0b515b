// How long to let pipes fill before they are looked at again.
//
// Programs that write all the time in small pieces would wake this process for each of them, and each time a
// few bytes would be moved at the price of two context switches. So when one turn of the event loop follows
// the other closely and has moved little, the next one waits, each time twice as long, until the fullest pipe
// is a quarter full or the wait is as long as people may see their output late. After a pause of the programs
// nothing waits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reeve {

class Pace {
  public:
    static constexpr std::int64_t kLongest = 10'000;  // microseconds

    // A stream has moved that many bytes out of a pipe that can hold `capacity`.
    void moved(std::size_t bytes, std::size_t capacity, std::int64_t now_us);
    // A turn is over: microseconds to rest before the next one; 0: not at all.
    std::int64_t rest();
    // The rest is over, if there was one; now the pipes are waited for.
    void turn_begins(std::int64_t now_us) { begun_us_ = now_us; }

  private:
    std::int64_t begun_us_ = 0;
    std::int64_t first_us_ = 0;  // when the first bytes of this turn were moved; 0: none yet
    std::size_t fill_ = 0;       // of the fullest pipe of this turn, in thousandths
    std::int64_t rest_us_ = 0;
};

}  // namespace reeve
