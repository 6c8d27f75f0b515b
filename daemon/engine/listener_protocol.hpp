// What an event listener says on its stdout, as a state machine over bytes: no process, no pipe, no log.
//
//   ACKNOWLEDGED --"READY\n"--> READY --event sent--> BUSY --"RESULT 2\nOK"--> ACKNOWLEDGED
//   anything else --> UNKNOWN, for ever
//
// It keeps at most one line of kMaxResultLine bytes; of a result only its length and whether it is "OK".
//
// Resumed mode, for an engine that replaces one that died and may have missed something. A listener that the
// dead one knew as ACKNOWLEDGED counts as READY at once: what is sent to it waits in its stdin, and its READY
// is ignored when it comes. A listener that was BUSY and says READY has answered to the dead engine. A RESULT
// in state READY is the answer to an event of the dead engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reeve {

enum class ListenerState : std::uint8_t { Ready = 10, Busy = 20, Acknowledged = 30, Unknown = 40 };

// "READY"
std::string_view listener_state_name(ListenerState state);

constexpr std::size_t kMaxResultLine = 4096;  // bytes, without the LF

enum class ListenerStep {
    NeedMore,   // all bytes are consumed, nothing has changed
    Ready,      // ACKNOWLEDGED -> READY; also BUSY -> READY, if a former engine had the answer
    Accepted,   // BUSY -> ACKNOWLEDGED, the result was OK
    Rejected,   // BUSY -> ACKNOWLEDGED, the result was something else
    BadLine,    // BUSY -> UNKNOWN, no result line; line() has it
    Violation,  // ACKNOWLEDGED or READY -> UNKNOWN
};

// The part of the machine that survives an engine: how far into an answer the listener is.
struct ListenerProgress {
    static constexpr std::size_t kKeep = 8;
    std::uint32_t result_left = 0;                // bytes of the result still to come
    std::uint8_t flags = 0;                       // the constants below
    std::uint8_t size = 0;                        // bytes in kept
    std::uint8_t kept[kKeep] = {};                // what is pending
    static constexpr std::uint8_t kInResult = 1;  // the line is over, result_left counts
    static constexpr std::uint8_t kMaybeOk = 2;   // what came of the result agrees with OK
    static constexpr std::uint8_t kSkipped = 4;   // kept begins behind the line's first 7 bytes
    static constexpr std::uint8_t kReadyDue = 8;  // a READY is still to come that means nothing any more
};

class ListenerProtocol {
  public:
    ListenerState state() const { return state_; }
    bool resumed() const { return resumed_; }

    // Consumes bytes from the front of `bytes` up to the next step, or all of them.
    ListenerStep next(std::string_view& bytes);

    // READY -> BUSY.
    void event_sent();

    // The process was started anew.
    void reset() { *this = ListenerProtocol(); }

    // Takes up the state of another engine. Acknowledged becomes Ready (see above).
    void resume(ListenerState state, const ListenerProgress& progress);
    ListenerProgress progress() const;

    // The line of the last BadLine, cut to kMaxResultLine.
    std::string_view line() const { return pending_; }

  private:
    ListenerStep next_acknowledged(std::string_view& bytes);
    ListenerStep next_ready(std::string_view& bytes);
    ListenerStep next_busy(std::string_view& bytes);
    ListenerStep next_result(std::string_view& bytes);
    ListenerStep unknown(ListenerStep why);

    ListenerState state_ = ListenerState::Acknowledged;
    bool resumed_ = false;
    bool ready_due_ = false;   // resumed as ACKNOWLEDGED: its READY is still to come
    bool answer_due_ = false;  // resumed as BUSY: the answer is still to come, or came to the dead engine
    bool in_result_ = false;
    bool maybe_ok_ = false;  // the result has 2 bytes, and what came of them agrees with OK
    std::uint32_t result_left_ = 0;
    std::string pending_;
};

}  // namespace reeve
