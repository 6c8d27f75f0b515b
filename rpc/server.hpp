// The listening sockets and all connections: accepts, keeps the limits, and buries what has closed.
//
// A listener takes max_connections clients, or its share of the descriptors if that is less, so that clients
// of one listener cannot keep out those of another. When another client comes, the connection that has been
// idle longest is closed for it; if all are busy, the listener rests until one ends, or for 200 ms, and
// clients queue in the kernel. Without descriptors left it does the same, and rests for the whole 200 ms, so
// that it doesn't spin.
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

    // A listening socket from the spawner, with its server's limits. False if it is none, if the id is taken,
    // or if the limits make no sense.
    bool add_listener(const ListenerBody& body, std::string_view tail, UniqueFd fd);
    std::size_t listener_count() const { return listeners_.size(); }
    // Begins to accept.
    void start();
    // Takes no more connections or requests; returns true when all that was written has left.
    bool finish();

    std::unique_ptr<Task> make_task(Connection& connection) override { return tasks_.make_task(connection); }
    void on_closed(Connection& connection) override;

  private:
    // Until when a listener does not accept: the end of a connection or the timer; only the timer.
    enum class Rest { None, NoRoom, NoDescriptors };
    struct Listener {
        Server* server = nullptr;
        Endpoint endpoint;
        ConnectionLimits limits;
        std::size_t max_connections = 0;
        UniqueFd fd;
        EventPtr readable;
        EventPtr rest;  // timer: try again
        std::size_t connections = 0;
        Rest resting = Rest::None;

        void on_readable() { server->accept_from(*this); }
        void on_rested() { server->wake(*this); }
    };
    static constexpr int kAcceptsPerTurn = 16;
    static constexpr int kRestMs = 200;
    static constexpr std::size_t kOwnDescriptors = 16;  // channels, event loop, and some to spare

    void accept_from(Listener& listener);
    void add_connection(Listener& listener, UniqueFd fd, Caller caller);
    bool close_oldest_idle(const Endpoint* endpoint);
    std::size_t share_of_descriptors() const;
    void rest(Listener& listener, Rest reason);
    void wake(Listener& listener);
    void bury();

    event_base* base_;
    TaskMaker& tasks_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> closed_;
    EventPtr bury_;
    bool started_ = false;
};

}  // namespace reeve
