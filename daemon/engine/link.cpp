// One edge of the engine. See link.hpp.
#include "daemon/engine/link.hpp"

namespace reeve {
namespace {

constexpr int kMessagesPerTurn = 32;

}  // namespace

Link::Link(Loop& loop, Edge out, Edge in, LinkHandler& handler)
    : loop_(loop), handler_(handler), out_(out), in_(in), buffer_(std::make_unique<ReceiveBuffer>()) {}

void Link::attach(UniqueFd fd, bool (*keep)(Msg)) {
    watch_.reset();
    channel_ = Channel(std::move(fd), out_, in_);
    gone_ = false;
    std::erase_if(queue_, [&](const Queued& queued) { return keep == nullptr || !keep(queued.type); });
    queued_bytes_ = 0;
    for (const Queued& queued : queue_) queued_bytes_ += queued.cost();
    watch_ = loop_.make_watch(channel_.fd(),
                              [this](bool readable, bool writable) { on_ready(readable, writable); });
    watch_->want(true, !queue_.empty());
}

void Link::send_raw(Msg type, std::uint32_t serial, std::span<const std::byte> body,
                    std::span<const std::byte> tail) {
    if (queue_.empty() && channel_.open() && !gone_ && !held_) {
        Send result = channel_.send_raw(type, serial, body, tail, {});
        if (result == Send::Sent) return;
        if (result == Send::Gone) gone_ = true;
    }
    queue_.push_back({type, serial, std::string(reinterpret_cast<const char*>(body.data()), body.size()),
                      std::string(reinterpret_cast<const char*>(tail.data()), tail.size())});
    queued_bytes_ += queue_.back().cost();
    if (watch_ && !gone_ && !held_) watch_->want(true, true);
}

void Link::release(Msg first) {
    held_ = false;
    queue_.push_front({first, 0, "", ""});
    queued_bytes_ += queue_.front().cost();
    if (!watch_ || gone_) return;
    watch_->want(true, true);
    flush();
}

void Link::flush() {
    while (!queue_.empty() && !gone_) {
        const Queued& next = queue_.front();
        Send result = channel_.send_raw(next.type, next.serial, as_bytes(next.body), as_bytes(next.tail), {});
        if (result == Send::Gone) {
            gone_ = true;
        } else if (result != Send::Sent) {
            return;
        } else {
            queued_bytes_ -= next.cost();
            queue_.pop_front();
        }
    }
    watch_->want(true, false);
}

void Link::on_ready(bool readable, bool writable) {
    if (writable) flush();
    if (readable) receive();
}

void Link::receive_rest() {
    while (receive()) {
    }
}

// False: there is nothing more for now.
bool Link::receive() {
    for (int i = 0; i < kMessagesPerTurn && channel_.open(); ++i) {
        Received received;
        switch (channel_.receive(*buffer_, received)) {
            case Receive::Nothing: return false;
            case Receive::End: close(nullptr); return false;
            case Receive::Violation: close(channel_.reason()); return false;
            case Receive::Message:
                if (const char* wrong = handler_.on_message(received)) {
                    close(wrong);
                    return false;
                }
                break;
        }
    }
    return channel_.open();
}

void Link::close(const char* violation) {
    watch_.reset();
    channel_.close();
    handler_.on_closed(violation);
}

}  // namespace reeve
