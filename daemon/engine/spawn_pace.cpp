// The engine's side of the limit for starts. See spawn_pace.hpp.
#include "daemon/engine/spawn_pace.hpp"

#include "common/base/spawn_limit.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kToken = 1'000'000;
// Tokens less than the spawner has, which looks at its clock a little later.
constexpr std::uint64_t kMargin = 4;

}  // namespace

SpawnPace::SpawnPace(Loop& loop, std::function<void(std::uint32_t)> start)
    : loop_(loop),
      start_(std::move(start)),
      timer_(loop.make_timer([this] { on_turn(); })),
      filled_us_(loop.monotonic_us()) {
    resize(0);
}

void SpawnPace::resize(std::size_t slots) {
    slots_ = slots;
    std::uint64_t burst = (spawn_burst(slots_) - kMargin) * kToken;
    if (burst <= burst_) return;
    tokens_ += burst - burst_;
    burst_ = burst;
}

bool SpawnPace::take_token() {
    std::uint64_t now = loop_.monotonic_us();
    tokens_ = std::min(burst_, tokens_ + (now - filled_us_) * spawns_a_second(slots_));
    filled_us_ = now;
    if (tokens_ < kToken) return false;
    tokens_ -= kToken;
    return true;
}

void SpawnPace::request(std::uint32_t slot) {
    if (waiting_.empty() && take_token()) return start(slot);
    std::uint64_t last = slot < last_start_.size() ? last_start_[slot] : 0;
    waiting_.emplace(last, arrivals_++, slot);
    if (waiting_.size() == 1) wait_for_token();
}

bool SpawnPace::cancel(std::uint32_t slot) {
    return std::erase_if(waiting_, [slot](const auto& start) { return std::get<2>(start) == slot; }) != 0;
}

void SpawnPace::start(std::uint32_t slot) {
    if (slot >= last_start_.size()) last_start_.resize(slot + 1);
    last_start_[slot] = loop_.monotonic_us();
    start_(slot);
}

void SpawnPace::wait_for_token() {
    std::uint64_t missing = kToken - std::min(tokens_, kToken);
    timer_->start(missing / spawns_a_second(slots_) + 1);
}

void SpawnPace::on_turn() {
    while (!waiting_.empty() && take_token()) {
        std::uint32_t slot = std::get<2>(*waiting_.begin());
        waiting_.erase(waiting_.begin());
        start(slot);
    }
    if (!waiting_.empty()) wait_for_token();
}

}  // namespace reeve
