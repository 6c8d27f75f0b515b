// Buffering, dispatch and answers of one listener pool. See listener_pool.hpp.
//
// Order that matters: an event is first written and then noted (save). If the engine dies between the two,
// its successor takes the listener for READY and sends another event, which waits in the pipe; the other way
// round it would wait for the answer to an event that was never sent.
#include "daemon/engine/listener_pool.hpp"

#include <algorithm>
#include <utility>

#include "common/text/py_repr.hpp"

namespace reeve {

ListenerPool::ListenerPool(EventBus& bus, Loop& loop, Log& log, PoolHost& host, PoolConfig config)
    : bus_(bus),
      loop_(loop),
      log_(log),
      host_(host),
      config_(std::move(config)),
      members_(config_.members.size()) {
    bus_.subscribe(*this, config_.subscriptions);
}

ListenerPool::~ListenerPool() { bus_.unsubscribe(*this); }

void ListenerPool::accept(const EventRef& event) {
    // Overlapping subscriptions bring the same event several times in a row: it keeps its serial in the pool.
    if (event->serial != last_serial_) {
        last_serial_ = event->serial;
        last_pool_serial_ = next_pool_serial_++;
    }
    store({event, last_pool_serial_}, false);
    dispatch();
}

void ListenerPool::store(Entry entry, bool head) {
    const std::size_t size = entry.event->payload.size();
    while (!buffer_.empty() &&
           (buffer_.size() >= config_.buffer_size || buffered_bytes_ + size > kMaxBuffered)) {
        ++dropped_;
        log_.line(Level::Error, "pool " + config_.name + " event buffer overflowed, discarding event " +
                                    std::to_string(take_oldest().event->serial));
    }
    buffered_bytes_ += size;
    if (head) {
        buffer_.push_front(std::move(entry));
    } else {
        buffer_.push_back(std::move(entry));
    }
}

ListenerPool::Entry ListenerPool::take_oldest() {
    Entry entry = std::move(buffer_.front());
    buffer_.pop_front();
    buffered_bytes_ -= entry.event->payload.size();
    return entry;
}

void ListenerPool::dispatch() {
    send_buffered();
    if (!members_.empty() && members_[0].saved.buffered != buffer_.size()) save(0);
}

void ListenerPool::send_buffered() {
    auto capable = [this] {
        for (std::uint32_t i = 0; i < members_.size(); ++i) {
            if (state(i) == ListenerState::Ready && host_.member_running(i)) return true;
        }
        return false;
    };
    if (buffer_.empty() || !capable()) return;
    while (!buffer_.empty()) {
        Entry entry = take_oldest();
        if (try_send(entry)) continue;
        log_rebuffering(entry);
        buffered_bytes_ += entry.event->payload.size();
        buffer_.push_front(std::move(entry));
        break;
    }
}

bool ListenerPool::try_send(const Entry& entry) {
    std::string bytes;
    for (std::uint32_t i = 0; i < members_.size(); ++i) {
        if (state(i) != ListenerState::Ready || !host_.member_running(i)) continue;
        if (bytes.empty()) bytes = envelope(entry);
        SendResult result = host_.send_event(i, bytes);
        if (result == SendResult::Busy) continue;
        std::string serial = std::to_string(entry.event->serial);
        if (result == SendResult::Closed) {
            debug("epipe occurred while sending event " + serial + " to listener " + config_.members[i] +
                  ", listener state unchanged");
            continue;
        }
        members_[i].protocol.event_sent();
        members_[i].in_hand = entry;
        members_[i].half_sent = host_.stdin_pending(i);
        save(i);
        changed(i, ListenerState::Ready);
        debug("event " + serial + " sent to listener " + config_.members[i]);
        return true;
    }
    return false;
}

std::string ListenerPool::envelope(const Entry& entry) const {
    const Event& event = *entry.event;
    std::string out = "ver:3.0 server:" + config_.identifier;
    out += " serial:" + std::to_string(event.serial);
    out += " pool:" + config_.name;
    out += " poolserial:" + std::to_string(entry.pool_serial);
    out += " eventname:";
    out += event_type_name(event.type);
    out += " len:" + std::to_string(count_characters(event.payload));
    out += '\n';
    out += event.payload;
    return out;
}

// As a new process finds itself; what was noted last stays known.
void ListenerPool::renew(std::uint32_t index) {
    ListenerNote saved = members_[index].saved;
    members_[index] = Member();
    members_[index].saved = saved;
}

void ListenerPool::on_spawned(std::uint32_t index) {
    renew(index);
    save(index);
}

void ListenerPool::on_running(std::uint32_t) { dispatch(); }

void ListenerPool::on_output(std::uint32_t index, std::string_view bytes) {
    Member& member = members_[index];
    const std::string& name = config_.members[index];
    if (log_.wants(Level::Debug)) debug("'" + name + "' stdout output:\n" + py_repr_bytes(bytes));
    member.waited_for = false;
    while (!bytes.empty()) {
        ListenerState from = member.protocol.state();
        ListenerStep step = member.protocol.next(bytes);
        switch (step) {
            case ListenerStep::NeedMore: break;
            case ListenerStep::Ready:
                changed(index, from);
                member.former = false;
                break;
            case ListenerStep::Violation: changed(index, from); break;
            case ListenerStep::Accepted:
                debug(name + ": event was processed");
                changed(index, from);
                member.in_hand = Entry();
                member.former = false;
                break;
            case ListenerStep::Rejected:
                log_.line(Level::Warn, name + ": event was rejected");
                changed(index, from);
                reject(index);
                break;
            case ListenerStep::BadLine: {
                std::string_view line = member.protocol.line();
                std::string shown = is_utf8(line) ? std::string(line) : "Undecodable: " + py_repr_bytes(line);
                log_.line(Level::Warn, name + ": bad result line: '" + shown + "'");
                changed(index, from);
                reject(index);
                break;
            }
        }
    }
    // Only now: whatever came in this read was said before the next event could be there.
    dispatch();
    save(index);
}

void ListenerPool::on_stdin_drained(std::uint32_t index) {
    if (std::exchange(members_[index].half_sent, false)) save(index);
    dispatch();
}

void ListenerPool::on_exited(std::uint32_t index) {
    reject(index);
    renew(index);
    dispatch();
}

// Puts the event in the member's hands, if any, back to the head of the buffer.
void ListenerPool::reject(std::uint32_t index) {
    lose_former(index, "was given back");
    Member& member = members_[index];
    if (member.in_hand.event == nullptr) return;
    log_rebuffering(member.in_hand);
    store(std::exchange(member.in_hand, Entry()), true);
}

void ListenerPool::changed(std::uint32_t index, ListenerState from) {
    const std::string& name = config_.members[index];
    ListenerState to = state(index);
    if (log_.wants(Level::Debug)) {
        std::string text = name + ": ";
        text += listener_state_name(from);
        text += " -> ";
        text += listener_state_name(to);
        debug(text);
    }
    if (to != ListenerState::Unknown) return;
    log_.line(Level::Warn,
              name +
                  ": has entered the UNKNOWN state and will no longer receive events, this usually "
                  "indicates the process violated the eventlistener protocol");
}

void ListenerPool::log_rebuffering(const Entry& entry) {
    if (!log_.wants(Level::Debug)) return;
    debug("rebuffering event " + std::to_string(entry.event->serial) + " for pool " + config_.name +
          " (buf size=" + std::to_string(buffer_.size()) + ", max=" + std::to_string(config_.buffer_size) +
          ")");
}

void ListenerPool::debug(std::string_view text) {
    if (log_.wants(Level::Debug)) log_.line(Level::Debug, text);
}

}  // namespace reeve
