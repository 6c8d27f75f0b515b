// The listening sockets and all connections: accepts, keeps the limits, and buries what has closed.
//
// A listener takes max_connections clients. When another one comes, the connection that has been idle longest
// is closed for it; if all are busy, the listener rests until one ends, and clients queue in the kernel.
// Without descriptors left it does the same, and rests 200 ms at least, so that it doesn't spin.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/messages.hpp"
#include "rpc/connection.hpp"

namespace reeve {

class TaskMaker {
  public:
    virtual ~TaskMaker() = default;
    virtual std::unique_ptr<Task> make_task(Connection& connection) = 0;
};

class Server : public ConnectionOwner {
  public:
    Server(event_base* base, TaskMaker& tasks);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // A listening socket from the spawner. False if it is none, or if the id is taken.
    bool add_listener(const ListenerBody& body, std::string_view tail, UniqueFd fd);
    std::size_t listener_count() const { return listeners_.size(); }
    // Begins to accept.
    void start(const StartBody& limits);
    // Takes no more connections or requests; returns true when all that was written has left.
    bool finish();

    std::unique_ptr<Task> make_task(Connection& connection) override { return tasks_.make_task(connection); }
    void on_closed(Connection& connection) override;

  private:
    struct Listener {
        Server* server = nullptr;
        Endpoint endpoint;
        UniqueFd fd;
        EventPtr readable;
        EventPtr rest;  // timer: accept again
        std::size_t connections = 0;
        bool resting = false;  // no room; accepts again when a connection ends or the timer fires

        void on_readable() { server->accept_from(*this); }
        void on_rested() { server->wake(*this); }
    };
    static constexpr int kAcceptsPerTurn = 16;
    static constexpr int kRestMs = 200;

    void accept_from(Listener& listener);
    void add_connection(Listener& listener, UniqueFd fd, Caller caller);
    bool close_oldest_idle(const Endpoint* endpoint);
    void rest(Listener& listener, bool with_timer);
    void wake(Listener& listener);
    void bury();

    event_base* base_;
    TaskMaker& tasks_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> closed_;
    EventPtr bury_;
    ConnectionLimits limits_;
    std::size_t max_connections_ = 256;
    bool started_ = false;
};

}  // namespace reeve
