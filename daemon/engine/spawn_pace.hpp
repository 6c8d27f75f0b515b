// Keeps the starts of programs below the spawner's limit (common/base/spawn_limit.hpp). Starts that come too
// fast wait here, so that what the engine asks for besides - signals above all - does not wait behind them.
// Who was started longest ago goes first: programs that die at once and for ever do not hold up the others.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "daemon/engine/runtime.hpp"

namespace reeve {

class SpawnPace {
  public:
    SpawnPace(Loop& loop, std::function<void(std::uint32_t slot)> start);

    // How many slots are active from now on.
    void resize(std::size_t slots);
    // Starts now, or when it is its turn.
    void request(std::uint32_t slot);
    // False: it was its turn already.
    bool cancel(std::uint32_t slot);

  private:
    bool take_token();
    void start(std::uint32_t slot);
    void on_turn();
    void wait_for_token();

    Loop& loop_;
    std::function<void(std::uint32_t)> start_;
    std::unique_ptr<Timer> timer_;
    std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>> waiting_;  // last start, arrival, slot
    std::uint64_t arrivals_ = 0;
    std::vector<std::uint64_t> last_start_;  // by slot: monotonic microseconds, or 0
    std::uint64_t slots_ = 0;
    std::uint64_t burst_ = 0;   // the most that tokens_ ever could hold
    std::uint64_t tokens_ = 0;  // millionths of a start
    std::uint64_t filled_us_;
};

}  // namespace reeve
