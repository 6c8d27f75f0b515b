// Sending and receiving whole messages. See channel.hpp for the traps.
#include "common/base/channel.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/log_line.hpp"

namespace reeve {

Send Channel::send_raw(Msg type, std::uint32_t serial, std::span<const std::byte> body,
                       std::span<const std::byte> tail, std::span<const int> fds) const {
    const MessageRow* row = find_message(static_cast<std::uint16_t>(type));
    if (row == nullptr || row->edge != out_ || body.size() != row->body_size ||
        tail.size() > row->tail_limit || fds.size() < row->fewest_fds || fds.size() > row->most_fds) {
        die("a message outside the catalogue was to be sent", message_name(static_cast<std::uint16_t>(type)));
    }

    Header header{static_cast<std::uint16_t>(type), 0, serial};
    iovec parts[3] = {{&header, sizeof header},
                      {const_cast<std::byte*>(body.data()), body.size()},
                      {const_cast<std::byte*>(tail.data()), tail.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 3;
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
        ancillary->cmsg_level = SOL_SOCKET;
        ancillary->cmsg_type = SCM_RIGHTS;
        ancillary->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(ancillary), fds.data(), fds.size() * sizeof(int));
    }
    for (int resets = 0;;) {
        // No part may call sendmsg(2), for it has no descriptors to hand on (common/sandbox/filter.cpp).
        ssize_t sent = fds.empty() ? ::writev(fd_.get(), parts, 3)
                                   : ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) return Send::Sent;
        if (errno == EINTR) continue;
        if (errno == ECONNRESET && resets++ == 0) continue;  // reported once, for data the peer never read
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) return Send::Full;
        if (errno == ETOOMANYREFS) return Send::TooManyFds;
        return Send::Gone;
    }
}

Receive Channel::receive(ReceiveBuffer& buffer, Received& out) {
    for (UniqueFd& fd : out.fds) fd.reset();
    out.fd_count = 0;

    iovec part{buffer.bytes.data(), buffer.bytes.size()};
    msghdr message{};
    // Room for one more than allowed, so that a surplus is seen and closed rather than silently cut.
    alignas(cmsghdr) char control[CMSG_SPACE((kMaxFds + 1) * sizeof(int))];
    ssize_t got = -1;
    for (int resets = 0;;) {
        message = msghdr{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        got = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got >= 0) break;
        if (errno == EINTR) continue;
        if (errno == ECONNRESET && resets++ == 0) continue;
        if (errno == EAGAIN) return Receive::Nothing;
        return Receive::End;
    }

    bool surplus = false;
    for (cmsghdr* ancillary = CMSG_FIRSTHDR(&message); ancillary != nullptr;
         ancillary = CMSG_NXTHDR(&message, ancillary)) {
        if (ancillary->cmsg_level != SOL_SOCKET || ancillary->cmsg_type != SCM_RIGHTS) continue;
        std::size_t count = (ancillary->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(ancillary) + i * sizeof(int), sizeof fd);
            UniqueFd received(fd);
            surplus = surplus || out.fd_count == kMaxFds;
            if (!surplus) out.fds[out.fd_count++] = static_cast<UniqueFd&&>(received);
        }
    }
    std::size_t size = static_cast<std::size_t>(got);
    if (size == 0 && out.fd_count == 0) return Receive::End;
    Header header{};
    std::memcpy(&header, buffer.bytes.data(), std::min(size, sizeof header));
    const MessageRow* row = find_message(header.type);
    std::size_t shortest = sizeof(Header) + (row != nullptr ? row->body_size : 0);
    auto broken_rule = [&]() {
        if (size == 0) return "empty datagram with descriptors";
        if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return "truncated datagram";
        if (size > kMaxMessage) return "datagram too long";
        if (size < sizeof(Header)) return "datagram shorter than its header";
        if (row == nullptr) return "unknown message type";
        if (row->edge != in_) return "message of another edge";
        if (header.zero != 0) return "reserved field is not zero";
        if (size < shortest) return "message too short";
        if (size > shortest + row->tail_limit) return "message too long";
        if (surplus || out.fd_count < row->fewest_fds || out.fd_count > row->most_fds)
            return "wrong number of descriptors";
        return "";
    };
    reason_ = broken_rule();
    if (*reason_ != 0) {
        for (UniqueFd& fd : out.fds) fd.reset();
        out.fd_count = 0;
        return Receive::Violation;
    }
    std::span<const std::byte> all(buffer.bytes.data(), size);
    out.message = {row->type, header.serial, all.subspan(sizeof(Header), row->body_size),
                   all.subspan(sizeof(Header) + row->body_size)};
    return Receive::Message;
}

bool make_channel_pair(UniqueFd& one, UniqueFd& other) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return false;
    one.reset(ends[0]);
    other.reset(ends[1]);
    // Room for the longest message many times over; the kernel caps this at wmem_max, which is no error.
    for (int end : ends) {
        constexpr int size = 1024 * 1024;
        ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return true;
}

}  // namespace reeve
