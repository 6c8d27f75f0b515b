// One client's connection: reads requests one after the other, hands each to a task, and writes its answer.
//
// While a task works the connection goes on reading only as far as its small buffer reaches, so pipelined
// requests wait and a client that leaves is noticed. A client that has shut down its sending side still gets
// its answer; a log stream takes that as the end, for nothing else would tell it that its reader is gone.
// A request must be complete within the deadline. Pieces of a stream are asked for only when the last one has
// left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "rpc/answer.hpp"
#include "rpc/engine_link.hpp"
#include "rpc/event_ptr.hpp"
#include "rpc/http_request.hpp"

namespace reeve {

class Connection;

// A listening socket, as far as its connections need to know it.
struct Endpoint {
    std::uint32_t id = 0;
    bool is_unix = false;
    bool authenticated = false;
    std::string host;  // as configured; the path of a unix socket
    std::uint32_t port = 0;
    std::string allowed_hosts;  // names, separated by blanks or commas
};

// What answers one request. It lives until the answer is complete or the client has left.
class Task : public ReplyTarget {
  public:
    virtual void start() = 0;
    // A stream's last piece has left; the next one may come.
    virtual void on_drained() {}
};

// Who owns the connections.
class ConnectionOwner {
  public:
    virtual ~ConnectionOwner() = default;
    virtual std::unique_ptr<Task> make_task(Connection& connection) = 0;
    // The connection is of no more use; it is destroyed a little later, never from within.
    virtual void on_closed(Connection& connection) = 0;

    // All connections together hold no more than kMaxHeld bytes of request bodies: anybody can send them,
    // before a password is checked.
    static constexpr std::size_t kMaxHeld = 64 * 1024 * 1024;
    std::size_t held = 0;

    // Nor do they hold more than kMaxSending bytes of long answers that their clients have not taken yet,
    // unless it is a single one. Answers up to kShortAnswer always find room.
    static constexpr std::size_t kMaxSending = 256 * 1024 * 1024;
    static constexpr std::size_t kShortAnswer = 256 * 1024;
    std::size_t sending = 0;
};

struct ConnectionLimits {
    HttpLimits http;
    int request_seconds = 30;
};

class Connection {
  public:
    Connection(event_base* base, UniqueFd fd, const Endpoint& endpoint, const ConnectionLimits& limits,
               Caller caller, ConnectionOwner& owner);

    // For the owner.
    const Endpoint& endpoint() const { return endpoint_; }
    // No request has begun and nothing is left to be sent.
    bool idle() const;
    bool closed() const { return bev_ == nullptr; }
    std::uint64_t last_used() const { return last_used_; }  // microseconds, monotonic
    // Ends it at once.
    void close();
    // Takes no further requests, and closes when what is written has left. True if that is now.
    bool finish();

    // For the task.
    const HttpRequest& request() const { return request_; }
    const Caller& caller() const { return caller_; }
    // Completes the request.
    void answer(Answer answer);
    // Begins an answer without known length: chunked where the client knows how to read that, else until the
    // end of the connection. Then pieces, then end_stream() or the end of the connection.
    void start_stream(Answer head);
    void send_piece(std::string_view bytes);
    void end_stream();

  private:
    enum class Phase { Reading, Working, Streaming, Closing, Lingering };

    void on_read();
    void on_written();
    void on_event(short what);
    void on_deadline();
    void on_resume();
    void process();
    void begin_request();
    void refuse(int status);
    void hold(std::size_t bytes);
    void count_sending(std::size_t bytes);
    void request_done();
    void close_when_written(bool linger);
    void write(std::string_view bytes);
    bool write_answer(std::string head, std::string body);
    std::size_t unsent() const;

    ConnectionOwner& owner_;
    const Endpoint& endpoint_;
    ConnectionLimits limits_;
    HttpParser parser_;
    HttpRequest request_;
    Caller caller_;
    Phase phase_ = Phase::Reading;
    bool chunked_ = false;
    bool half_closed_ = false;  // the client sends no more
    bool linger_ = false;       // read on for a moment after the last byte, so that it is not lost to a reset
    bool finishing_ = false;
    bool processing_ = false;
    std::size_t held_ = 0;     // bytes of the current request's body, as counted by the owner
    std::size_t sending_ = 0;  // bytes of a long answer, likewise
    std::uint64_t last_used_ = 0;
    std::unique_ptr<Task> task_;
    std::unique_ptr<Task> done_task_;  // kept until nobody is inside it
    EventPtr deadline_;
    EventPtr resume_;
    BuffereventPtr bev_;
};

std::uint64_t monotonic_us();

}  // namespace reeve
