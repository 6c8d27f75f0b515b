// Reading the configuration again. See reload.hpp.
#include "daemon/engine/reload.hpp"

#include <utility>

namespace reeve {

void Reload::request(Done done) {
    next_.push_back(std::move(done));
    if (!running_) begin();
}

void Reload::when_over(std::function<void()> then) {
    if (!running_) return then();
    current_.push_back([then = std::move(then)](const std::string&) { then(); });
}

void Reload::begin() {
    current_ = std::exchange(next_, {});
    running_ = true;
    if (++number_ == 0) ++number_;  // 0 stands for a configuration that nobody asked for
    spawner_.reload(number_);
}

bool Reload::on_answer(std::uint32_t number, const std::string& error) {
    if (!pending(number)) return false;
    running_ = false;
    std::vector<Done> answered = std::exchange(current_, {});
    for (Done& done : answered) done(error);
    if (!running_ && !next_.empty()) begin();
    return true;
}

}  // namespace reeve
