// One edge of the engine: a channel watched by the loop, with a queue for what the socket cannot take yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/channel.hpp"
#include "common/base/messages.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

class LinkHandler {
  public:
    virtual ~LinkHandler() = default;
    // nullptr, or why the message breaks the rules. The descriptors may be taken.
    virtual const char* on_message(Received& received) = 0;
    // The edge is closed: by the peer (violation is nullptr), or because of what it sent.
    virtual void on_closed(const char* violation) = 0;
};

class Link {
  public:
    Link(Loop& loop, Edge out, Edge in, LinkHandler& handler);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // Takes a new edge in place of the old one. Of what was queued, only the types that `keep` names go
    // there.
    void attach(UniqueFd fd, bool (*keep)(Msg) = nullptr);
    bool connected() const { return channel_.open(); }
    // Takes what the peer has said so far, before another one comes in its place.
    void receive_rest();

    // Sends, or queues if the socket is full or not there.
    template <typename Body>
    void send(Msg type, std::uint32_t serial, const Body& body, std::string_view tail = {}) {
        send_raw(type, serial, {reinterpret_cast<const std::byte*>(&body), kBodySize<Body>}, as_bytes(tail));
    }
    std::size_t queued_bytes() const { return queued_bytes_; }

    // From now on everything is queued, until release() sends a bare message of that type and then all the
    // rest.
    void hold() { held_ = true; }
    void release(Msg first);
    bool held() const { return held_; }

  private:
    struct Queued {
        Msg type;
        std::uint32_t serial;
        std::string body;
        std::string tail;
        std::size_t cost() const { return sizeof(Queued) + body.size() + tail.size(); }
    };

    void send_raw(Msg type, std::uint32_t serial, std::span<const std::byte> body,
                  std::span<const std::byte> tail);
    void on_ready(bool readable, bool writable);
    bool receive();
    void flush();
    void close(const char* violation);

    Loop& loop_;
    LinkHandler& handler_;
    Edge out_;
    Edge in_;
    Channel channel_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<ReceiveBuffer> buffer_;
    std::deque<Queued> queue_;
    std::size_t queued_bytes_ = 0;
    bool held_ = false;
    bool gone_ = false;  // sending has failed for good; what the peer sent before is still to be read
};

}  // namespace reeve
