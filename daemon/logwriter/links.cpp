// Channels on libevent. See links.hpp.
#include "daemon/logwriter/links.hpp"

#include <algorithm>
#include <limits>

namespace reeve {
namespace {

constexpr std::size_t kMessagesPerTurn = 32;
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

std::string copy(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void Link::open(UniqueFd fd) {
    close();
    channel_ = Channel(static_cast<UniqueFd&&>(fd), out_, in_);
    readable_.reset(event_new(base_, channel_.fd(), EV_READ | EV_PERSIST, on_readable, this));
    writable_.reset(event_new(base_, channel_.fd(), EV_WRITE, on_writable, this));
    update_readable();
    flush();
}

void Link::close() {
    readable_.reset();
    writable_.reset();
    channel_.close();
}

void Link::send_raw(Msg type, std::uint32_t serial, std::span<const std::byte> body,
                    std::span<const std::byte> tail, bool goes_on) {
    if (queue_.empty() && is_open()) {
        Send sent = channel_.send_raw(type, serial, body, tail, {});
        if (sent == Send::Sent || sent == Send::Gone) return;  // the end is seen by the reading side
    }
    queue_.push_back({type, serial, copy(body), copy(tail), goes_on});
    queued_bytes_ += body.size() + tail.size() + sizeof(Queued);
    if (is_open()) event_add(writable_.get(), nullptr);
}

void Link::flush() {
    bool shorter = false;
    while (!queue_.empty() && is_open()) {
        const Queued& first = queue_.front();
        Send sent =
            channel_.send_raw(first.type, first.serial, as_bytes(first.body), as_bytes(first.tail), {});
        if (sent == Send::Full || sent == Send::TooManyFds) {
            event_add(writable_.get(), nullptr);
            break;
        }
        if (sent == Send::Gone) break;
        queued_bytes_ -= first.body.size() + first.tail.size() + sizeof(Queued);
        queue_.pop_front();
        shorter = true;
    }
    update_readable();
    if (shorter) owner_.on_room(*this);
}

void Link::forget(std::span<const Msg> types) {
    bool cut = true;  // at the front: what was before has been sent
    std::erase_if(queue_, [&](const Queued& queued) {
        cut = cut && queued.goes_on;
        if (!cut && std::find(types.begin(), types.end(), queued.type) == types.end()) return false;
        queued_bytes_ -= queued.body.size() + queued.tail.size() + sizeof(Queued);
        return true;
    });
}

void Link::set_deaf(bool deaf) {
    deaf_ = deaf;
    update_readable();
}

void Link::update_readable() {
    if (!is_open()) return;
    if (queued_bytes_ <= most_queued_ && !deaf_) {
        event_add(readable_.get(), nullptr);
    } else {
        event_del(readable_.get());
    }
}

void Link::receive_some(std::size_t most) {
    for (std::size_t count = 0; count < most && is_open() && (!deaf_ || most == kAll); ++count) {
        Received received;
        switch (channel_.receive(buffer_, received)) {
            case Receive::Message: owner_.on_message(*this, received); break;
            case Receive::Nothing: return;
            case Receive::End:
                close();
                owner_.on_end(*this);
                return;
            case Receive::Violation: owner_.on_violation(*this, channel_.reason()); return;
        }
    }
}

void Link::receive_all() { receive_some(kAll); }

void Link::on_readable(evutil_socket_t, short, void* self) {
    Link& link = *static_cast<Link*>(self);
    link.receive_some(kMessagesPerTurn);
    link.update_readable();
}

void Link::on_writable(evutil_socket_t, short, void* self) { static_cast<Link*>(self)->flush(); }

}  // namespace reeve
