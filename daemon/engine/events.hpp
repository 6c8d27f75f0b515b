// Events: the texts of their payloads, and the bus that hands them to the listener pools.
//
// The names of the types and their tree are in common/text/event_types.hpp. An event gets a daemon-wide
// serial when the first pool takes it; events that nobody subscribes to get none and cost nothing. TICK
// events come from a timer that exists only while a pool wants them, so that an idle daemon does not wake.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/image.hpp"
#include "common/text/event_types.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

// ---- payloads -------------------------------------------------------------------------------------------

struct ProcessName {
    std::string_view process;
    std::string_view group;
};

// What a PROCESS_STATE payload says; each type uses those that it needs.
struct StateDetails {
    std::uint64_t tries = 0;  // STARTING, BACKOFF
    std::uint32_t pid = 0;    // RUNNING, STOPPING, STOPPED (0 from BACKOFF), EXITED
    bool expected = false;    // EXITED
};

// "processname:a groupname:a from_state:STOPPED tries:0", and so on. from_state is the old state's name
// ("STOPPED").
std::string state_payload(EventType type, ProcessName name, std::string_view from_state,
                          const StateDetails& details);

// PROCESS_LOG_STDOUT / _STDERR. Bytes that are no UTF-8 become "Undecodable: b'...'" as a whole.
std::string log_payload(ProcessName name, std::uint32_t pid, bool is_stderr, std::string_view bytes);

// PROCESS_COMMUNICATION_STDOUT / _STDERR; bytes as above.
std::string communication_payload(ProcessName name, std::uint32_t pid, std::string_view bytes);

// REMOTE_COMMUNICATION: type and data as the client sent them.
std::string remote_payload(std::string_view type, std::string_view data);

// PROCESS_GROUP_ADDED / _REMOVED.
std::string group_payload(std::string_view group);

// TICK_*: slice is the wall clock in seconds, rounded down to the period.
std::string tick_payload(std::int64_t slice);

// ---- bus ------------------------------------------------------------------------------------------------

struct Event {
    EventType type;
    std::uint64_t serial;
    std::string payload;
};
using EventRef = std::shared_ptr<const Event>;

// Somebody who takes events: a listener pool.
class EventSink {
  public:
    virtual ~EventSink() = default;
    virtual void accept(const EventRef& event) = 0;
};

class EventBus {
  public:
    explicit EventBus(Loop& loop) : loop_(loop) {}
    EventBus(const EventBus&) = delete;
    EventBus& operator=(const EventBus&) = delete;

    // Bits of subscriptions: 1 << EventType. Sinks are served in the order in which they came. ListenerPool
    // does both itself; emit PROCESS_GROUP_ADDED of a pool after it is made, _REMOVED after it is gone.
    void subscribe(EventSink& sink, std::uint64_t subscriptions);
    void unsubscribe(EventSink& sink);

    // Whether anybody takes events of this type; asked before a payload is made.
    bool wanted(EventType type) const { return match_count(all_, type) > 0; }

    // Hands the event to each subscribed sink, once per matching subscription.
    void emit(EventType type, std::string payload);

    // The serial that the next event gets. It continues over a restart (FINISH.carry, HELLO.carry).
    std::uint64_t next_serial() const { return next_serial_; }
    // Never goes back: a smaller serial than the current one is ignored.
    void continue_from(std::uint64_t serial);

  private:
    struct Subscriber {
        EventSink* sink;
        std::uint64_t subscriptions;
    };
    static constexpr int kTicks = 3;

    void update_ticks();
    void start_tick_timer();
    void on_tick();

    Loop& loop_;
    std::vector<Subscriber> subscribers_;
    std::uint64_t all_ = 0;  // all subscriptions together
    std::uint64_t next_serial_ = 0;
    std::unique_ptr<Timer> timer_;  // only while ticks are wanted
    bool tick_wanted_[kTicks] = {};
    std::int64_t slice_[kTicks] = {};  // of the last look, for the wanted ones
};

}  // namespace reeve
