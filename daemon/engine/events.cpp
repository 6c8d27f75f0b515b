// Payload texts, the bus, and the tick source. See events.hpp.
#include "daemon/engine/events.hpp"

#include <algorithm>
#include <utility>

#include "common/text/py_repr.hpp"

namespace reeve {

namespace {

constexpr EventType kTickTypes[] = {EventType::Tick5, EventType::Tick60, EventType::Tick3600};
constexpr std::int64_t kTickPeriods[] = {5, 60, 3600};  // seconds
constexpr std::int64_t kSecond = 1'000'000;             // microseconds
// The timer runs on the monotonic clock: a look at least so often notices that the wall clock was set.
constexpr std::int64_t kLongestSleep = 60 * kSecond;
constexpr std::int64_t kSlack = 1'000;  // so that the timer fires behind the boundary, not just before it

std::int64_t slice_of(std::int64_t wall_us, std::int64_t period) {
    std::int64_t seconds = wall_us / kSecond;
    return seconds - seconds % period;
}

std::string names(ProcessName name) {
    std::string out = "processname:";
    out += name.process;
    out += " groupname:";
    out += name.group;
    return out;
}

void append_data(std::string& out, std::string_view bytes) {
    out += '\n';
    if (is_utf8(bytes)) {
        out += bytes;
    } else {
        out += "Undecodable: ";
        out += py_repr_bytes(bytes);
    }
}

}  // namespace

std::string state_payload(EventType type, ProcessName name, std::string_view from_state,
                          const StateDetails& details) {
    std::string out = names(name);
    out += " from_state:";
    out += from_state;
    switch (type) {
        case EventType::ProcessStateStarting:
        case EventType::ProcessStateBackoff: out += " tries:" + std::to_string(details.tries); break;
        case EventType::ProcessStateExited:
            out += details.expected ? " expected:1" : " expected:0";
            [[fallthrough]];
        case EventType::ProcessStateRunning:
        case EventType::ProcessStateStopping:
        case EventType::ProcessStateStopped: out += " pid:" + std::to_string(details.pid); break;
        default: break;
    }
    return out;
}

std::string log_payload(ProcessName name, std::uint32_t pid, bool is_stderr, std::string_view bytes) {
    std::string out = names(name);
    out += " pid:" + std::to_string(pid);
    out += is_stderr ? " channel:stderr" : " channel:stdout";
    append_data(out, bytes);
    return out;
}

std::string communication_payload(ProcessName name, std::uint32_t pid, std::string_view bytes) {
    std::string out = names(name);
    out += " pid:" + std::to_string(pid);
    append_data(out, bytes);
    return out;
}

std::string remote_payload(std::string_view type, std::string_view data) {
    std::string out = "type:";
    out += type;
    out += '\n';
    out += data;
    return out;
}

std::string group_payload(std::string_view group) {
    std::string out = "groupname:";
    out += group;
    out += '\n';
    return out;
}

std::string tick_payload(std::int64_t slice) { return "when:" + std::to_string(slice); }

void EventBus::subscribe(EventSink& sink, std::uint64_t subscriptions) {
    subscribers_.push_back({&sink, subscriptions});
    update_ticks();
}

void EventBus::unsubscribe(EventSink& sink) {
    std::erase_if(subscribers_, [&](const Subscriber& one) { return one.sink == &sink; });
    update_ticks();
}

void EventBus::emit(EventType type, std::string payload) {
    if (!wanted(type)) return;
    EventRef event = std::make_shared<const Event>(Event{type, next_serial_++, std::move(payload)});
    for (const Subscriber& subscriber : subscribers_) {
        for (int i = match_count(subscriber.subscriptions, type); i > 0; --i) subscriber.sink->accept(event);
    }
}

void EventBus::continue_from(std::uint64_t serial) { next_serial_ = std::max(next_serial_, serial); }

void EventBus::update_ticks() {
    all_ = 0;
    for (const Subscriber& subscriber : subscribers_) all_ |= subscriber.subscriptions;
    bool any = false;
    for (int i = 0; i < kTicks; ++i) {
        bool now_wanted = wanted(kTickTypes[i]);
        // A period that nobody wanted has not been looked at: begin with the current slice.
        if (now_wanted && !tick_wanted_[i]) slice_[i] = slice_of(loop_.wall_us(), kTickPeriods[i]);
        tick_wanted_[i] = now_wanted;
        any = any || now_wanted;
    }
    if (!any) {
        timer_.reset();
        return;
    }
    if (timer_ == nullptr) timer_ = loop_.make_timer([this] { on_tick(); });
    start_tick_timer();
}

void EventBus::start_tick_timer() {
    std::int64_t now = loop_.wall_us();
    std::int64_t sleep = kLongestSleep;
    for (int i = 0; i < kTicks; ++i) {
        if (!tick_wanted_[i]) continue;
        std::int64_t boundary = (slice_of(now, kTickPeriods[i]) + kTickPeriods[i]) * kSecond;
        sleep = std::min(sleep, boundary - now + kSlack);
    }
    timer_->start(static_cast<std::uint64_t>(sleep));
}

void EventBus::on_tick() {
    std::int64_t now = loop_.wall_us();
    for (int i = 0; i < kTicks; ++i) {
        if (!tick_wanted_[i]) continue;
        std::int64_t slice = slice_of(now, kTickPeriods[i]);
        if (slice == std::exchange(slice_[i], slice)) continue;
        emit(kTickTypes[i], tick_payload(slice));
    }
    start_tick_timer();
}

}  // namespace reeve
