// Writing to a child's stdin. See stdin_queue.hpp.
#include "daemon/engine/stdin_queue.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace reeve {

StdinQueue::StdinQueue(Loop& loop, UniqueFd fd, std::function<void()> drained, std::function<void()> closed)
    : fd_(std::move(fd)), drained_(std::move(drained)), closed_(std::move(closed)) {
    if (!fd_.valid()) return;
    int flags = ::fcntl(fd_.get(), F_GETFL);
    if (flags >= 0) ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
    watch_ = loop.make_watch(fd_.get(), [this](bool, bool) { on_writable(); });
}

StdinQueue::Result StdinQueue::write(std::string_view bytes, bool oversize) {
    if (!fd_.valid()) return Result::Closed;
    if (pending() + bytes.size() > kMaxStdinQueue && !(oversize && pending() == 0)) return Result::Full;
    bool was_empty = pending() == 0;
    queue_ += bytes;
    if (was_empty && !flush()) return Result::Closed;
    watch_->want(false, pending() > 0);
    return Result::Taken;
}

void StdinQueue::close() {
    watch_.reset();
    fd_.reset();
    queue_.clear();
    head_ = 0;
}

// False if the pipe is closed; then everything is dropped.
bool StdinQueue::flush() {
    while (pending() > 0) {
        ssize_t written = ::write(fd_.get(), queue_.data() + head_, pending());
        if (written >= 0) {
            head_ += static_cast<std::size_t>(written);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            close();
            return false;
        }
    }
    if (pending() == 0) {
        queue_.clear();
        queue_.shrink_to_fit();  // events may be large, and many listeners idle
        head_ = 0;
    } else if (head_ > kMaxStdinQueue) {
        queue_.erase(0, head_);
        head_ = 0;
    }
    return true;
}

void StdinQueue::on_writable() {
    // The callbacks may destroy this object: nothing of it is touched after them.
    if (!flush()) {
        if (std::function<void()> closed = closed_) closed();
        return;
    }
    if (pending() > 0) return;
    watch_->want(false, false);
    if (std::function<void()> drained = drained_) drained();
}

}  // namespace reeve
