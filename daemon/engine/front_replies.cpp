// Replies to the front, and the queue in which they wait. See front_link.hpp.
#include <utility>

#include "daemon/engine/front_link.hpp"

namespace reeve {

namespace {

// At most kMaxChunk bytes of a text, not cut inside a character.
std::string_view cut(std::string_view text) {
    if (text.size() <= kMaxChunk) return text;
    std::size_t size = kMaxChunk;
    while (size > kMaxChunk - 4 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

}  // namespace

void FrontLink::reply_value(std::uint32_t id, const Value& value) {
    if (!is_open(id)) return;
    std::string bytes;
    encode(value, bytes);
    if (queued_bytes_ + bytes.size() > kMaxReplies) return reply_status(id, ReplyKind::ServerError);
    std::string_view rest = bytes;
    for (; rest.size() > kMaxChunk; rest.remove_prefix(kMaxChunk)) {
        send(id, {ReplyKind::Part, 0, 0}, std::string(rest.substr(0, kMaxChunk)));
    }
    finish(id, {ReplyKind::Value, 0, 0}, std::string(rest));
}

void FrontLink::reply_fault(std::uint32_t id, std::int32_t code, std::string_view text) {
    finish(id, {ReplyKind::Fault, code, 0}, std::string(cut(text)));
}

void FrontLink::reply_status(std::uint32_t id, ReplyKind kind) { finish(id, {kind, 0, 0}); }

void FrontLink::stream_open(std::uint32_t id, std::int64_t mtime) {
    auto found = requests_.find(id);
    if (found == requests_.end() || found->second.phase != Phase::Called) return;
    found->second.phase = Phase::Streaming;
    send(id, {ReplyKind::StreamOpen, 0, mtime}, {});
}

bool FrontLink::stream_data(std::uint32_t id, std::string_view bytes) {
    auto found = requests_.find(id);
    if (found == requests_.end() || !found->second.pulled || bytes.size() > kMaxChunk) return false;
    found->second.pulled = false;
    send(id, {ReplyKind::StreamData, 0, 0}, std::string(bytes));
    return true;
}

void FrontLink::stream_end(std::uint32_t id) { finish(id, {ReplyKind::StreamEnd, 0, 0}); }

// The last reply to a request.
void FrontLink::finish(std::uint32_t id, const ReplyBody& body, std::string tail) {
    if (requests_.erase(id) == 0) return;
    send(id, body, std::move(tail));
}

void FrontLink::send(std::uint32_t id, const ReplyBody& body, std::string tail) {
    queue_.push_back({++last_number_, id, body, std::move(tail)});
    queued_bytes_ += queue_.back().cost();
    if (queue_.size() == 1) flush();
    update_watch();
}

// Whether the lines that belong to the replies are in the log; else the replies go when they are.
bool FrontLink::may_go() {
    if (queue_.front().number <= released_ || (!waiting_ && log_.settled())) return true;
    if (waiting_) return false;
    waiting_ = true;
    log_.when_settled([this, last = last_number_] {
        waiting_ = false;
        released_ = last;
        flush();
        update_watch();
    });
    return false;
}

void FrontLink::flush() {
    while (!queue_.empty() && may_go()) {
        const Queued& first = queue_.front();
        switch (channel_.send(Msg::REPLY, first.id, first.body, as_bytes(first.tail))) {
            case Send::Sent: break;
            case Send::Full:
            case Send::TooManyFds: return;
            case Send::Gone:
                // The end of the edge is noticed where it is read.
                queue_.clear();
                queued_bytes_ = 0;
                return;
        }
        queued_bytes_ -= first.cost();
        queue_.pop_front();
    }
}

}  // namespace reeve
