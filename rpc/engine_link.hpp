// The edge to the engine: sends calls, hands replies to whoever asked, and survives the engine's restart.
//
// A call without an engine to take it waits up to kPatience. When an engine dies, calls that only read are
// sent to the next one, so long as it is not the third that dies; the others are answered with a fault,
// because nobody can tell whether they were carried out. Open log streams end. A reply that breaks the rules
// closes the edge, as the end of the engine would.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/channel.hpp"
#include "rpc/event_ptr.hpp"

namespace reeve {

// Who asks: goes with every call, because the engine checks credentials for each.
struct Caller {
    std::uint32_t listener = 0;
    std::uint32_t peer_uid = kNoPeerUid;
    Credentials credentials = Credentials::None;
    std::string user;
    std::string password;
    std::string address;  // "127.0.0.1:5123", or the path of the unix socket
};

struct Reply {
    ReplyKind kind = ReplyKind::ServerError;  // Value (whole), Fault, a status, or Stream...
    std::int32_t code = 0;                    // of a fault
    std::int64_t mtime = 0;                   // StreamOpen: of the file, seconds
    std::string data;                         // encoded value, text of a fault, or a piece of a stream
    bool no_engine = false;                   // ServerError because no engine came in time
};

class ReplyTarget {
  public:
    virtual ~ReplyTarget() = default;
    // May make further calls, and may lead to the end of the target. After anything but StreamOpen and
    // StreamData the call is over.
    virtual void on_reply(std::uint32_t call, Reply reply) = 0;
};

class EngineLink {
  public:
    static constexpr int kPatience = 10;                         // seconds that a call waits for an engine
    static constexpr std::size_t kMaxArgs = 8 * 1024 * 1024;     // encoded arguments of a call
    static constexpr std::size_t kMaxReply = 384 * 1024 * 1024;  // encoded result of a call
    static constexpr int kMaxTries = 3;                          // for how many engines a call is repeated
    static constexpr int kMessagesPerTurn = 32;

    explicit EngineLink(event_base* base);
    EngineLink(const EngineLink&) = delete;
    EngineLink& operator=(const EngineLink&) = delete;

    // A new edge; calls that were open on the old one are dealt with as after the engine's death.
    void attach(UniqueFd fd);
    // Handles all that the engine has sent already; for the end of this process.
    void drain();

    // Begins a call; the reply comes later, never from within. args: an encoded Array. The text fields must
    // fit into a message together with a little room, else the call is answered with BadRequest.
    std::uint32_t call(const Caller& caller, CallKind kind, std::string_view method, std::string args,
                       ReplyTarget& target);
    // Asks for the next piece of a stream.
    void pull(std::uint32_t call);
    // The target is gone. A stream is cancelled; what another call has begun goes on in the engine.
    void abandon(std::uint32_t call);

  private:
    struct Open {
        ReplyTarget* target = nullptr;  // nullptr: abandoned
        CallKind kind = CallKind::Auth;
        bool repeatable = false;
        bool sent = false;
        bool streaming = false;
        int tries = 0;
        CallBody body{};
        std::string head;     // method, user, password, address; kept while the call may be sent (again)
        std::string args;     // kept likewise
        std::string partial;  // of the result
        std::uint64_t begun = 0;
        std::int64_t waits_until = 0;  // monotonic seconds, while there is no engine
    };
    struct Outgoing {
        Msg type;
        std::uint32_t serial;
        CallBody body;  // CALL only
        std::string tail;
    };

    void start_call(std::uint32_t id, Open& open);
    void put(Outgoing message);
    void flush();
    void on_readable();
    void on_message(const Message& message);
    void on_lost();
    void finish(std::uint32_t id, Reply reply);
    void start_waiting();
    void on_patience();

    event_base* base_;
    Channel channel_;
    EventPtr readable_;
    EventPtr writable_;
    EventPtr patience_;
    std::deque<Outgoing> queue_;
    std::deque<std::uint32_t> waiting_;  // calls that the engine has no room for, oldest first
    std::unordered_map<std::uint32_t, Open> open_;
    std::size_t sent_open_ = 0;  // of open_, those that the engine knows
    std::uint32_t last_id_ = 0;
    std::unique_ptr<ReceiveBuffer> buffer_;
};

}  // namespace reeve
