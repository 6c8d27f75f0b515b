// The states of a rotation. See rotate.hpp.
#include "daemon/logwriter/rotate.hpp"

namespace reeve {

std::optional<FileOp> Rotation::before_write(bool vanished, std::int64_t now_ms) {
    if (!vanished || !due(now_ms)) return std::nullopt;
    state_ = State::Asked;
    asked_ = FileOp::Reopen;
    return asked_;
}

std::optional<FileOp> Rotation::after_write(std::int64_t size, std::int64_t now_ms) {
    if (maxbytes_ <= 0 || size < maxbytes_ || !due(now_ms)) return std::nullopt;
    asked_ = state_ == State::Failed ? FileOp::Reopen : FileOp::Rotate;
    state_ = State::Asked;
    return asked_;
}

void Rotation::ask_reopen() {
    if (state_ == State::GivenUp) return;
    state_ = State::Asked;
    asked_ = FileOp::Reopen;
}

void Rotation::answered(FileOp op, bool ok, std::int64_t now_ms) {
    if (state_ == State::GivenUp || state_ == State::Waiting) return;
    if (state_ == State::Asked) {
        if (op != asked_) return;
        state_ = ok ? State::Normal : State::Failed;
        retry_ms_ = now_ms + kRetryMs;
    } else if (ok) {
        state_ = State::Normal;
    }
}

void Rotation::give_up() { state_ = State::GivenUp; }

}  // namespace reeve
