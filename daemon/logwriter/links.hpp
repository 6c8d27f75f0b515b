// One channel on libevent: receives while there is something, and queues what the peer cannot take yet.
//
// Sending never blocks and never fails for the caller. How long a queue may grow is decided by those who fill
// it: they look at queued_bytes() and slow down or drop. A peer that asks on and on and takes no answers is
// not heard any more while too much waits for it.
#pragma once

#include <event2/event.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "common/base/channel.hpp"

namespace reeve {

struct EventFree {
    void operator()(event* what) const { event_free(what); }
};
using EventPtr = std::unique_ptr<event, EventFree>;

class Link;

class LinkOwner {
  public:
    virtual ~LinkOwner() = default;
    // One message. The spans are valid until the handler returns. The handler may close the link.
    virtual void on_message(Link& link, Received& received) = 0;
    // The peer has closed its end; the link is closed already.
    virtual void on_end(Link& link) = 0;
    // The peer sent what the catalogue does not know.
    virtual void on_violation(Link& link, const char* reason) = 0;
    // The queue has become shorter.
    virtual void on_room(Link& link) = 0;
};

class Link {
  public:
    // most_queued: bytes that may wait for the peer before it is not heard any more.
    Link(event_base* base, LinkOwner& owner, ReceiveBuffer& buffer, Edge out, Edge in,
         std::size_t most_queued)
        : base_(base), owner_(owner), buffer_(buffer), out_(out), in_(in), most_queued_(most_queued) {}

    void open(UniqueFd fd);
    // What is queued stays, for the next peer.
    void close();
    bool is_open() const { return channel_.open(); }
    int fd() const { return channel_.fd(); }  // -1 if closed

    // goes_on: nobody has use for the message without the one before.
    template <typename Body>
    void send(Msg type, std::uint32_t serial, const Body& body, std::span<const std::byte> tail = {},
              bool goes_on = false) {
        send_raw(type, serial, {reinterpret_cast<const std::byte*>(&body), kBodySize<Body>}, tail, goes_on);
    }
    std::size_t queued_bytes() const { return queued_bytes_; }

    // A deaf link receives nothing, until it is not any more; only receive_all() does not mind.
    void set_deaf(bool deaf);

    // For another peer than the one so far: takes all messages of these types out of the queue, and what goes
    // with a message that is gone.
    void forget(std::span<const Msg> types);

    // Receives everything that is there now, without the fairness of the event loop. Returns at the end of
    // the peer, or when nothing more is there.
    void receive_all();

  private:
    struct Queued {
        Msg type;
        std::uint32_t serial;
        std::string body;
        std::string tail;
        bool goes_on;
    };
    static void on_readable(evutil_socket_t, short, void* self);
    static void on_writable(evutil_socket_t, short, void* self);
    void send_raw(Msg type, std::uint32_t serial, std::span<const std::byte> body,
                  std::span<const std::byte> tail, bool goes_on);
    void receive_some(std::size_t most);
    void flush();
    void update_readable();

    event_base* base_;
    LinkOwner& owner_;
    ReceiveBuffer& buffer_;
    Edge out_;
    Edge in_;
    std::size_t most_queued_;
    Channel channel_;
    EventPtr readable_;
    EventPtr writable_;
    std::deque<Queued> queue_;
    std::size_t queued_bytes_ = 0;
    bool deaf_ = false;
};

}  // namespace reeve
