// One [eventlistener:x]: a buffer of events and the processes that take them.
//
// The pool subscribes itself to the bus. Events are kept first in, first out; a full buffer drops its oldest.
// It is full by number, or by bytes: an event can be as long as a client's call or a program's capture.
// Each goes to the first member, in listing order, that is RUNNING and has said READY; its answer settles it:
// OK, or anything else, which puts it back to the head of this pool's buffer, as the death of its listener
// does. The process of a member (spawning, stdin queue, reading stdout, its log) is the host's.
//
// After the engine was replaced: the buffer is gone; how much was in it is in the note of member 0, and is
// logged. A member that was not BUSY counts as READY; one that was BUSY is waited for, but if it is silent
// for kResumeWait it counts as READY too (its answer may have died with the old engine); one that was in the
// middle of an event that was never sent to its end becomes UNKNOWN. An event of the old engine that is given
// back is lost, as nobody has it any more, and that is logged too.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/messages.hpp"
#include "daemon/engine/events.hpp"
#include "daemon/engine/listener_protocol.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

// What must survive the engine, for the slot note of a member. No padding; all zero: nothing is known (a
// fresh child).
struct ListenerNote {
    std::uint8_t state;  // ListenerState, 0: nothing known
    std::uint8_t flags;  // kHalfSent
    std::uint8_t progress_flags;
    std::uint8_t kept_size;
    std::uint32_t buffered;     // member 0: events in the pool's buffer; others: 0
    std::uint64_t next_serial;  // of the bus
    std::uint64_t next_pool_serial;
    std::uint8_t kept[ListenerProgress::kKeep];   // kInResult: result_left, in the machine's byte order
    static constexpr std::uint8_t kHalfSent = 1;  // an event is in the stdin queue, not all of it in the pipe
    bool operator==(const ListenerNote&) const = default;
};
static_assert(sizeof(ListenerNote) == 32);

enum class SendResult {
    Sent,    // written or queued as a whole
    Closed,  // EPIPE: the listener has closed its stdin, or the process is not there
    Busy,    // the queue is full with what came before: nothing was taken
};

// What the pool needs of its group. Members are 0 .. n-1 in listing order.
class PoolHost {
  public:
    virtual ~PoolHost() = default;
    // The process's state is RUNNING.
    virtual bool member_running(std::uint32_t member) const = 0;
    // Writes to the member's stdin without blocking; what does not fit is queued (StdinQueue does this).
    virtual SendResult send_event(std::uint32_t member, std::string_view bytes) = 0;
    // Whether bytes for its stdin are still queued.
    virtual bool stdin_pending(std::uint32_t member) const = 0;
    // Store this in the member's slot note.
    virtual void save_note(std::uint32_t member, const ListenerNote& note) = 0;
};

struct PoolConfig {
    std::string name;
    std::string identifier;           // of the daemon, for event headers
    std::uint64_t subscriptions = 0;  // 1 << EventType
    std::size_t buffer_size = 0;
    std::vector<std::string> members;  // process names in listing order
};

class ListenerPool : public EventSink {
  public:
    static constexpr std::uint64_t kResumeWait = 10'000'000;       // microseconds
    static constexpr std::size_t kMaxBuffered = 64 * 1024 * 1024;  // bytes of payloads

    ListenerPool(EventBus& bus, Loop& loop, Log& log, PoolHost& host, PoolConfig config);
    ~ListenerPool() override;
    ListenerPool(const ListenerPool&) = delete;
    ListenerPool& operator=(const ListenerPool&) = delete;

    void accept(const EventRef& event) override;

    // What a former engine noted of a member that has no process now; for the others see on_resumed().
    void on_note(std::uint32_t member, const ListenerNote& note);
    // The member's process was spawned.
    void on_spawned(std::uint32_t member);
    // A live process of a former engine; call this before any on_output. The note is the slot's.
    void on_resumed(std::uint32_t member, const ListenerNote& note);
    // Members may be sent to that could not be before.
    void go_on() { dispatch(); }
    // The member's process has become RUNNING (after its PROCESS_STATE_RUNNING event).
    void on_running(std::uint32_t member);
    // Bytes of one read of its stdout. The raw log (APPEND) is the caller's.
    void on_output(std::uint32_t member, std::string_view bytes);
    // Nothing is queued for its stdin any more.
    void on_stdin_drained(std::uint32_t member);
    // The process has ended and its stdout is read to the end. Call it before the process's own event (EXITED
    // ...).
    void on_exited(std::uint32_t member);

    ListenerState state(std::uint32_t member) const { return members_[member].protocol.state(); }
    std::size_t buffered() const { return buffer_.size(); }
    std::uint64_t dropped() const { return dropped_; }  // events lost so far, to overflows or with an engine

  private:
    struct Entry {
        EventRef event;
        std::uint64_t pool_serial;
    };
    struct Member {
        ListenerProtocol protocol;
        Entry in_hand;  // event is null: none, or one of a former engine
        bool half_sent = false;
        bool former = false;      // works on an event of a former engine
        bool waited_for = false;  // the same, and nothing was heard yet
        ListenerNote saved{};
    };

    void store(Entry entry, bool head);
    Entry take_oldest();
    void dispatch();
    void send_buffered();
    bool try_send(const Entry& entry);
    void reject(std::uint32_t index);
    void renew(std::uint32_t index);
    void continue_from(std::uint32_t index, const ListenerNote& note);
    void lose_former(std::uint32_t index, std::string_view why);
    void changed(std::uint32_t index, ListenerState from);
    void save(std::uint32_t index);
    void on_resume_wait();
    void log_rebuffering(const Entry& entry);
    void debug(std::string_view text);
    std::string envelope(const Entry& entry) const;

    EventBus& bus_;
    Loop& loop_;
    Log& log_;
    PoolHost& host_;
    PoolConfig config_;
    std::vector<Member> members_;
    std::deque<Entry> buffer_;
    std::size_t buffered_bytes_ = 0;
    std::uint64_t next_pool_serial_ = 0;
    std::uint64_t last_serial_ =
        UINT64_MAX;  // of the last event taken: another match of it keeps its pool serial
    std::uint64_t last_pool_serial_ = 0;
    std::uint64_t dropped_ = 0;
    std::unique_ptr<Timer> resume_timer_;
};

}  // namespace reeve
