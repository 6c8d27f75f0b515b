// One end of a SOCK_SEQPACKET pair: sends and receives whole messages and checks their shape.
//
// Receiving checks everything that the catalogue knows: type, edge, body length, tail length, number of
// descriptors, no truncation. Whatever fails is a violation; the caller decides what that costs the sender.
// Traps this code is written around: a datagram of no bytes reads like end of file (so it counts as the end);
// a peer that dies with unread data gives ECONNRESET once, and the messages that it had sent come after
// that; a control buffer larger than asked for lets the kernel install surplus descriptors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"

namespace reeve {

enum class Receive {
    Message,    // one message is there
    Nothing,    // would block
    End,        // the peer has closed its end
    Violation,  // the datagram breaks the catalogue; reason() says how
};

enum class Send {
    Sent,
    Full,        // would block: wait until the socket is writable
    Gone,        // the peer has closed its end, or another error that lasts
    TooManyFds,  // the kernel has too many descriptors in flight: try again later
};

// A message with its descriptors. The spans point into the channel's buffer and are valid until the next
// receive() on any channel that shares that buffer.
struct Received {
    Message message;
    std::array<UniqueFd, kMaxFds> fds;
    std::size_t fd_count = 0;
};

// The buffer that one thread's channels receive into.
struct ReceiveBuffer {
    alignas(16) std::array<std::byte, kMaxMessage + 1> bytes;
};

class Channel {
  public:
    Channel() = default;
    // The edges are those of this end: what it may send, and what it accepts.
    Channel(UniqueFd fd, Edge out, Edge in) : fd_(static_cast<UniqueFd&&>(fd)), out_(out), in_(in) {}

    bool open() const { return fd_.valid(); }
    int fd() const { return fd_.get(); }
    void close() { fd_.reset(); }
    UniqueFd release() { return UniqueFd(fd_.release()); }

    // Sends one message without blocking. The body struct must be the type's own, and the tail and the
    // descriptors within the catalogue's limits; otherwise the process is ended (a programming error). The
    // descriptors stay the caller's. SIGPIPE must be ignored.
    template <typename Body>
    Send send(Msg type, std::uint32_t serial, const Body& body, std::span<const std::byte> tail = {},
              std::span<const int> fds = {}) const {
        static_assert(std::is_trivially_copyable_v<Body>);
        return send_raw(type, serial, {reinterpret_cast<const std::byte*>(&body), kBodySize<Body>}, tail,
                        fds);
    }
    Send send_raw(Msg type, std::uint32_t serial, std::span<const std::byte> body,
                  std::span<const std::byte> tail, std::span<const int> fds) const;

    // Receives one message without blocking.
    Receive receive(ReceiveBuffer& buffer, Received& out);

    // Why the last receive() was a violation, as a fixed text; "" if it was none.
    const char* reason() const { return reason_; }

  private:
    UniqueFd fd_;
    Edge out_ = Edge::SE;
    Edge in_ = Edge::SE;
    const char* reason_ = "";
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// Two connected, non-blocking, close-on-exec ends. False (with errno) if the system has none.
bool make_channel_pair(UniqueFd& one, UniqueFd& other);

}  // namespace reeve
