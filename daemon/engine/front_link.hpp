// The edge to the front (supervisor-rpc): calls come in, are put together, checked and authenticated; replies
// go out in pieces, and wait here while the front cannot take them.
//
// The front is the part that strangers talk to, so nothing it sends is believed: any message that breaks a
// rule closes the edge with one log line, and all its requests are cancelled. (The front then exits, and the
// spawner starts another one, whose edge comes with PEER.) Failed logins are answered after kFailureDelay,
// and only kMaxFailures of them wait at a time for each server: beyond, calls with credentials get HTTP 500
// unchecked, so that nobody can guess faster.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/channel.hpp"
#include "common/base/messages.hpp"
#include "common/rpcproto/value.hpp"
#include "daemon/engine/auth.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

// A request whose credentials are in order.
struct Call {
    std::uint32_t id;        // of the request, for the replies
    CallKind kind;           // Rpc, LogTail, MainLogTail, Page; Auth is answered by the link itself
    std::uint32_t listener;  // index of the server
    std::uint32_t peer_uid;  // or kNoPeerUid
    std::string method;      // as the client sent it
    std::string address;     // of the client, or of the unix socket that it used
    std::string user;        // that it has logged in as; "" where nobody has to
    std::vector<Value> args;
};

class CallHandler {
  public:
    virtual ~CallHandler() = default;
    // Must sooner or later be answered with one of FrontLink's replies (from within is fine).
    virtual void on_call(Call call) = 0;
    // A stream's next piece is wanted: answer with stream_data() or stream_end(), when there is something.
    virtual void on_pull(std::uint32_t id) = 0;
    // The request is gone (the client left, or the front died). Replies to it are dropped.
    virtual void on_cancel(std::uint32_t id) = 0;
};

class FrontLink {
  public:
    static constexpr std::uint32_t kMaxArgs = 8 * 1024 * 1024;       // encoded arguments of one call
    static constexpr std::size_t kMaxAssembling = 64 * 1024 * 1024;  // of all calls that are not complete
    static constexpr std::size_t kMaxQueued =
        16 * 1024 * 1024;  // replies waiting: beyond, no more calls are read
    static constexpr std::size_t kMaxReplies = 384 * 1024 * 1024;  // beyond, results become HTTP 500
    static constexpr std::uint64_t kFailureDelay = 1'000'000;      // microseconds
    static constexpr std::size_t kMaxFailures = 128;               // delayed answers of one server
    static constexpr int kMessagesPerTurn = 32;

    FrontLink(Loop& loop, Log& log, const Auth& auth, CallHandler& handler);
    ~FrontLink();
    FrontLink(const FrontLink&) = delete;
    FrontLink& operator=(const FrontLink&) = delete;

    // PEER(Rpc): takes the new edge; all requests of the old one are cancelled.
    void attach(UniqueFd fd);
    bool connected() const { return channel_.open(); }

    // Replies. Each ends its request, except stream_open and stream_data. For a request that is gone
    // they do nothing.
    void reply_value(std::uint32_t id, const Value& value);
    void reply_fault(std::uint32_t id, std::int32_t code, std::string_view text);  // text is cut to kMaxChunk
    void reply_status(std::uint32_t id, ReplyKind kind);  // BadRequest, ServerError, NotFound, Unauthorized
    // mtime: of the file, seconds since 1970.
    void stream_open(std::uint32_t id, std::int64_t mtime);
    // One piece of at most kMaxChunk bytes; only after on_pull, and one for each. False if it cannot be sent.
    bool stream_data(std::uint32_t id, std::string_view bytes);
    void stream_end(std::uint32_t id);

    // Whether replies to this request are still of use.
    bool is_open(std::uint32_t id) const { return requests_.count(id) != 0; }
    // Which edge it is: numbers of requests mean nothing on another, for each front counts anew.
    std::uint64_t edge() const { return edge_; }
    std::size_t open_requests() const { return requests_.size(); }
    std::size_t queued_bytes() const { return queued_bytes_; }

  private:
    enum class Phase { Assembling, Delayed, Called, Streaming };
    struct Request {
        Phase phase = Phase::Assembling;
        AuthResult auth = AuthResult::Ok;
        bool delay_over = false;  // a wrong password may be answered
        bool pulled = false;      // Streaming: a piece is wanted
        std::uint32_t args_size = 0;
        std::uint32_t received = 0;  // of args_size
        Call call{};
        std::string args;  // encoded; stays empty if the call is refused
    };
    struct Queued {
        std::uint64_t number;  // counts all replies
        std::uint32_t id;
        ReplyBody body;
        std::string tail;
        // Replies without a tail take memory, too.
        std::size_t cost() const { return sizeof(Queued) + tail.size(); }
    };
    struct Failure {
        std::uint64_t due;  // monotonic, microseconds
        std::uint32_t id;
        std::uint64_t edge;  // which edge it came on
        std::uint32_t server;
    };

    void on_ready(bool readable, bool writable);
    const char* on_message(const Message& message);
    const char* on_call_message(const Message& message);
    const char* on_call_more(const Message& message);
    const char* on_pull_message(const Message& message);
    void on_cancel_message(const Message& message);
    AuthResult authenticate(const CallBody& body, std::uint32_t id, std::string_view user,
                            std::string_view password);
    const char* complete(std::uint32_t id);
    void start_failure_timer();
    void on_failures_due();
    void finish(std::uint32_t id, const ReplyBody& body, std::string tail = {});
    void send(std::uint32_t id, const ReplyBody& body, std::string tail);
    void flush();
    bool may_go();
    void update_watch();
    void disconnect();
    void forget(std::uint32_t id);

    Loop& loop_;
    Log& log_;
    const Auth& auth_;
    CallHandler& handler_;
    Channel channel_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<ReceiveBuffer> buffer_;
    std::unordered_map<std::uint32_t, Request> requests_;
    std::size_t assembling_ = 0;  // sum of args_size of those in Phase::Assembling
    std::deque<Queued> queue_;
    std::size_t queued_bytes_ = 0;
    bool waiting_ = false;  // for the log: what is queued may not go yet
    std::uint64_t last_number_ = 0;
    std::uint64_t released_ = 0;    // replies up to this number may go, whatever the log does
    std::uint64_t edge_ = 0;        // counts the edges
    std::deque<Failure> failures_;  // by due time
    std::unordered_map<std::uint32_t, std::size_t> failures_of_;  // how many of them, by server
    std::unique_ptr<Timer> failure_timer_;
};

}  // namespace reeve
