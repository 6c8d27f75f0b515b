// Every message of the catalogue through a real socket pair: whole, cut at every length, one byte too long,
// with descriptors missing and to spare, on the wrong edge; and the traps of SOCK_SEQPACKET.
#include "common/base/channel.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

using namespace reeve;

namespace {

constexpr Edge kEdges[] = {Edge::SE, Edge::ES, Edge::SL, Edge::LS, Edge::SR,
                           Edge::RE, Edge::ER, Edge::EL, Edge::LE};

std::vector<const MessageRow*> all_rows() {
    std::vector<const MessageRow*> rows;
    for (unsigned type = 0; type < 1024; ++type) {
        if (const MessageRow* row = find_message(static_cast<std::uint16_t>(type))) rows.push_back(row);
    }
    return rows;
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
}

// A pair of which one end is raw, to send what a sound channel never would.
struct Wire {
    UniqueFd raw;
    Channel channel;
    static ReceiveBuffer buffer;
    Received got;

    explicit Wire(Edge in) {
        UniqueFd other;
        REQUIRE(make_channel_pair(raw, other));
        channel = Channel(static_cast<UniqueFd&&>(other), Edge::SE, in);
    }
    void send(const std::string& bytes, std::size_t fd_count = 0) const {
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        std::vector<char> control(CMSG_SPACE(fd_count * sizeof(int)));
        if (fd_count > 0) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
            ancillary->cmsg_level = SOL_SOCKET;
            ancillary->cmsg_type = SCM_RIGHTS;
            ancillary->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
            std::vector<int> fds(fd_count, 2);
            std::memcpy(CMSG_DATA(ancillary), fds.data(), fd_count * sizeof(int));
        }
        REQUIRE(::sendmsg(raw.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    }
    Receive receive() { return channel.receive(buffer, got); }
    std::string_view reason() const { return channel.reason(); }
};
ReceiveBuffer Wire::buffer;

std::string datagram(std::uint16_t type, std::size_t payload, std::uint16_t zero = 0,
                     std::uint32_t serial = 77) {
    Header header{type, zero, serial};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    for (std::size_t i = 0; i < payload; ++i) bytes += static_cast<char>('a' + i % 26);
    return bytes;
}
std::string datagram(const MessageRow& row, std::size_t tail) {
    return datagram(static_cast<std::uint16_t>(row.type), row.body_size + tail);
}

}  // namespace

TEST_CASE("each message arrives as it was sent, with the shortest and the longest tail") {
    for (const MessageRow* row : all_rows()) {
        CAPTURE(row->name);
        Wire wire(row->edge);
        for (std::size_t tail : {std::size_t{0}, std::size_t{row->tail_limit}}) {
            for (std::size_t fds : {std::size_t{row->fewest_fds}, std::size_t{row->most_fds}}) {
                std::string bytes = datagram(*row, tail);
                wire.send(bytes, fds);
                REQUIRE(wire.receive() == Receive::Message);
                CHECK(wire.got.message.type == row->type);
                CHECK(wire.got.message.serial == 77);
                CHECK(wire.got.message.body.size() == row->body_size);
                CHECK(wire.got.message.tail.size() == tail);
                CHECK(wire.got.message.text() == bytes.substr(sizeof(Header) + row->body_size));
                CHECK(wire.got.fd_count == fds);
            }
        }
        CHECK(wire.receive() == Receive::Nothing);
    }
}

TEST_CASE("a message cut at any length is a violation") {
    for (const MessageRow* row : all_rows()) {
        CAPTURE(row->name);
        Wire wire(row->edge);
        std::string bytes = datagram(*row, 0);
        for (std::size_t length = 1; length < bytes.size(); ++length) {
            CAPTURE(length);
            wire.send(bytes.substr(0, length), row->fewest_fds);
            CHECK(wire.receive() == Receive::Violation);
            CHECK(wire.reason() ==
                  (length < sizeof(Header) ? "datagram shorter than its header" : "message too short"));
            CHECK(wire.got.fd_count == 0);
        }
    }
}

TEST_CASE("one byte beyond the longest tail is a violation") {
    for (const MessageRow* row : all_rows()) {
        CAPTURE(row->name);
        Wire wire(row->edge);
        wire.send(datagram(*row, row->tail_limit + 1), row->fewest_fds);
        CHECK(wire.receive() == Receive::Violation);
        CHECK(wire.reason() == "message too long");
    }
}

TEST_CASE("one descriptor too few or too many is a violation, and none of them stays open") {
    int before = open_descriptors();
    for (const MessageRow* row : all_rows()) {
        CAPTURE(row->name);
        Wire wire(row->edge);
        if (row->fewest_fds > 0) {
            wire.send(datagram(*row, 0), row->fewest_fds - 1u);
            CHECK(wire.receive() == Receive::Violation);
            CHECK(wire.reason() == "wrong number of descriptors");
        }
        wire.send(datagram(*row, 0), row->most_fds + 1u);
        CHECK(wire.receive() == Receive::Violation);
        CHECK(wire.reason() == "wrong number of descriptors");
        CHECK(wire.got.fd_count == 0);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("a message of another edge is a violation") {
    for (const MessageRow* row : all_rows()) {
        for (Edge edge : kEdges) {
            if (edge == row->edge) continue;
            CAPTURE(row->name);
            Wire wire(edge);
            wire.send(datagram(*row, 0), row->fewest_fds);
            CHECK(wire.receive() == Receive::Violation);
            CHECK(wire.reason() == "message of another edge");
        }
    }
}

TEST_CASE("any bit of the reserved field is a violation") {
    for (const MessageRow* row : all_rows()) {
        CAPTURE(row->name);
        Wire wire(row->edge);
        for (unsigned bit = 0; bit < 16; ++bit) {
            wire.send(datagram(static_cast<std::uint16_t>(row->type), row->body_size,
                               static_cast<std::uint16_t>(1u << bit)),
                      row->fewest_fds);
            CHECK(wire.receive() == Receive::Violation);
            CHECK(wire.reason() == "reserved field is not zero");
        }
    }
}

TEST_CASE("a type that the catalogue lacks is a violation") {
    Wire wire(Edge::SE);
    for (std::uint16_t type :
         {std::uint16_t{0}, std::uint16_t{19}, std::uint16_t{0x0100}, std::uint16_t{0xFFFF}}) {
        wire.send(datagram(type, 0));
        CHECK(wire.receive() == Receive::Violation);
        CHECK(wire.reason() == "unknown message type");
    }
}

TEST_CASE("an empty datagram counts as the end, and with a descriptor as a violation") {
    int before = open_descriptors();
    {
        Wire wire(Edge::SE);
        wire.send("", 1);
        CHECK(wire.receive() == Receive::Violation);
        wire.send("");
        CHECK(wire.receive() == Receive::End);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("the longest datagram and anything above are refused, whatever they say") {
    Wire wire(Edge::RE);
    for (std::size_t size : {kMaxMessage, kMaxMessage + 1, kMaxMessage + 1000}) {
        std::string bytes = datagram(static_cast<std::uint16_t>(Msg::CALL), size - sizeof(Header));
        wire.send(bytes);
        CHECK(wire.receive() == Receive::Violation);
    }
    wire.send(datagram(*find_message(72), 0));
    CHECK(wire.receive() == Receive::Message);
}

TEST_CASE("more descriptors than the control buffer holds leave none behind") {
    int before = open_descriptors();
    {
        Wire wire(Edge::SE);
        for (std::size_t count : {std::size_t{3}, kMaxFds, kMaxFds + 1, kMaxFds + 2, std::size_t{100}}) {
            wire.send(datagram(*find_message(2), 0), count);
            CHECK(wire.receive() == Receive::Violation);
            CHECK(wire.got.fd_count == 0);
        }
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("descriptors arrive close-on-exec, and the next message closes those nobody took") {
    Wire wire(Edge::SE);
    wire.send(datagram(*find_message(2), 0), 1);
    REQUIRE(wire.receive() == Receive::Message);
    int fd = wire.got.fds[0].get();
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(wire.receive() == Receive::Nothing);
    CHECK(::fcntl(fd, F_GETFD) == -1);
}

TEST_CASE("what a dead peer had sent comes before the end, though it left data unread") {
    UniqueFd one, other;
    REQUIRE(make_channel_pair(one, other));
    Channel alive(static_cast<UniqueFd&&>(one), Edge::ES, Edge::SE);
    {
        Channel dead(static_cast<UniqueFd&&>(other), Edge::SE, Edge::ES);
        REQUIRE(alive.send(Msg::READY, 0, Empty{}) == Send::Sent);
        REQUIRE(dead.send(Msg::SIGNAL, 1, SignalBody{15}) == Send::Sent);
        REQUIRE(dead.send(Msg::SIGNAL, 2, SignalBody{1}) == Send::Sent);
    }
    Received got;
    REQUIRE(alive.receive(Wire::buffer, got) == Receive::Message);
    CHECK(got.message.as<SignalBody>().signo == 15);
    REQUIRE(alive.receive(Wire::buffer, got) == Receive::Message);
    CHECK(got.message.serial == 2);
    CHECK(alive.receive(Wire::buffer, got) == Receive::End);
    CHECK(alive.send(Msg::READY, 0, Empty{}) == Send::Gone);
}

TEST_CASE("a full queue says Full, and goes on when the peer has read") {
    UniqueFd one, other;
    REQUIRE(make_channel_pair(one, other));
    Channel out(static_cast<UniqueFd&&>(one), Edge::SE, Edge::ES);
    Channel in(static_cast<UniqueFd&&>(other), Edge::ES, Edge::SE);
    std::uint32_t sent = 0;
    while (out.send(Msg::SIGNAL, sent, SignalBody{15}) == Send::Sent) REQUIRE(++sent < 1'000'000);
    CHECK(sent > 10);
    CHECK(out.send(Msg::SIGNAL, sent, SignalBody{15}) == Send::Full);
    Received got;
    for (std::uint32_t i = 0; i < sent; ++i) {
        REQUIRE(in.receive(Wire::buffer, got) == Receive::Message);
        REQUIRE(got.message.serial == i);
    }
    CHECK(in.receive(Wire::buffer, got) == Receive::Nothing);
    CHECK(out.send(Msg::SIGNAL, sent, SignalBody{15}) == Send::Sent);
}

TEST_CASE("a channel that was never opened is at its end") {
    Channel none;
    Received got;
    CHECK_FALSE(none.open());
    CHECK(none.receive(Wire::buffer, got) == Receive::End);
    CHECK(none.send(Msg::HELLO, 0, HelloBody{}) == Send::Gone);
}
