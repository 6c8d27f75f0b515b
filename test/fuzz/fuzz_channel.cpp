// Datagrams of any bytes, with any number of descriptors, on any edge: what comes out is within the
// catalogue, and no descriptor stays behind.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "common/base/channel.hpp"

using namespace reeve;

namespace {

int lowest_free() {
    int fd = ::fcntl(0, F_DUPFD, 3);
    ::close(fd);
    return fd;
}

void check(const Received& got, Edge edge, std::size_t size) {
    const Message& message = got.message;
    const MessageRow* row = find_message(static_cast<std::uint16_t>(message.type));
    if (row == nullptr || row->edge != edge) std::abort();
    if (message.body.size() != row->body_size || message.tail.size() > row->tail_limit) std::abort();
    if (sizeof(Header) + message.body.size() + message.tail.size() != size) std::abort();
    if (got.fd_count < row->fewest_fds || got.fd_count > row->most_fds) std::abort();
    for (std::size_t i = 0; i < kMaxFds; ++i) {
        if (got.fds[i].valid() != (i < got.fd_count)) std::abort();
    }
    // Every body can be looked at as its struct.
    switch (message.type) {
#define X(name, number, of, body, tail, fewest, most) \
    case Msg::name: static_cast<void>(message.as<body>()); break;
        REEVE_MESSAGES(X)
#undef X
    }
}

}  // namespace

// The first byte is the edge, the second the number of descriptors, then a datagram to the end of the input
// (a length in two bytes would only hide what the bytes are).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    int before = lowest_free();
    {
        UniqueFd ours, theirs;
        if (!make_channel_pair(ours, theirs)) std::abort();
        Edge edge = static_cast<Edge>(data[0] % 9);
        Channel channel(std::move(theirs), Edge::SE, edge);
        // A type near the catalogue's, so that chance finds the rules behind it.
        std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
        std::size_t fd_count = data[1] % 8;
        iovec part{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
        if (fd_count > 0) {
            message.msg_control = control;
            message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
            cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
            ancillary->cmsg_level = SOL_SOCKET;
            ancillary->cmsg_type = SCM_RIGHTS;
            ancillary->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
            int fds[8] = {};
            std::memcpy(CMSG_DATA(ancillary), fds, fd_count * sizeof(int));
        }
        if (::sendmsg(ours.get(), &message, MSG_DONTWAIT) < 0) return 0;
        static const auto buffer = std::make_unique<ReceiveBuffer>();
        Received got;
        switch (channel.receive(*buffer, got)) {
            case Receive::Message: check(got, edge, bytes.size()); break;
            case Receive::Violation:
                if (got.fd_count != 0 || channel.reason()[0] == 0) std::abort();
                break;
            case Receive::End:
                if (!bytes.empty() || fd_count != 0) std::abort();
                break;
            case Receive::Nothing: std::abort();
        }
    }
    if (lowest_free() != before) std::abort();
    return 0;
}
