// What the hostile parts share. See hostile.hpp.
#include "hostile.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "reeve_config.hpp"

namespace reeve::hostile {
namespace {

constexpr int kSpares = 6;  // descriptors to attach to messages
// Behind its filter no part can (test/sandbox), so only a build without filters tries what the receiver does.
constexpr bool kCanAttach = !REEVE_SANDBOX;

int spares[kSpares];

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "hostile part: %s: %s\n", what, std::strerror(errno));
    std::_Exit(99);
}

}  // namespace

ReceiveBuffer Wire::buffer_;

Page& begin(SandboxPart part) {
    char path[4096];
    ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) give_up("/proc/self/exe");
    path[length] = 0;
    char* slash = std::strrchr(path, '/');
    std::snprintf(slash + 1, sizeof path - static_cast<std::size_t>(slash + 1 - path), "hostile.page");
    UniqueFd file(::open(path, O_RDWR | O_CLOEXEC));
    if (!file.valid()) give_up(path);
    void* memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) give_up("mapping the page");
    for (int& spare : spares) {
        spare = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (spare < 0) give_up("/dev/null");
    }
    file.reset();
    enter_sandbox(part);
    return *static_cast<Page*>(memory);
}

std::uint32_t Chance::odd_number() {
    static constexpr std::uint32_t kOdd[] = {0,
                                             1,
                                             2,
                                             3,
                                             5,
                                             16,
                                             63,
                                             64,
                                             65,
                                             127,
                                             255,
                                             256,
                                             32767,
                                             65535,
                                             kMaxSlots,
                                             kMaxSlots + 1,
                                             131071,
                                             131072,
                                             kMainLogStream,
                                             kConsoleStream,
                                             kSyslogStream,
                                             0x7FFFFFFF,
                                             0x80000000,
                                             0xFFFFFFFE,
                                             0xFFFFFFFF};
    switch (below(4)) {
        case 0: return kOdd[below(static_cast<std::uint32_t>(std::size(kOdd)))];
        case 1: return static_cast<std::uint32_t>(next());
        default: return below(24);
    }
}

Receive Wire::receive(Received& out) { return channel_.receive(buffer_, out); }

bool Wire::raw(Page& page, std::span<const std::byte> bytes, std::size_t fd_count) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(200 * sizeof(int))] = {};
    if (fd_count > 0) {
        fd_count = std::min<std::size_t>(fd_count, 200);
        int fds[200];
        for (std::size_t i = 0; i < fd_count; ++i) fds[i] = spares[i % kSpares];
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        cmsghdr* ancillary = CMSG_FIRSTHDR(&message);
        ancillary->cmsg_level = SOL_SOCKET;
        ancillary->cmsg_type = SCM_RIGHTS;
        ancillary->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        std::memcpy(CMSG_DATA(ancillary), fds, fd_count * sizeof(int));
    }
    ssize_t sent = kCanAttach ? ::sendmsg(channel_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                              : ::writev(channel_.fd(), &part, 1);
    if (sent <= 0) return false;  // of no bytes writev says 0, and nothing comes of it
    page.sent.fetch_add(1, std::memory_order_relaxed);
    return true;
}

bool Wire::shaped(Page& page, Msg type, std::uint32_t serial, std::span<const std::byte> body,
                  std::string_view tail) {
    static std::array<std::byte, kMaxMessage> bytes;
    Header header{static_cast<std::uint16_t>(type), 0, serial};
    std::memcpy(bytes.data(), &header, sizeof header);
    auto end = std::copy(body.begin(), body.end(), bytes.begin() + sizeof header);
    std::size_t room = bytes.size() - sizeof header - body.size();
    std::size_t rest = std::min(tail.size(), room);
    std::copy_n(as_bytes(tail).begin(), rest, end);
    return raw(page, std::span(bytes).first(sizeof header + body.size() + rest));
}

bool Wire::odd(Page& page, Chance& chance) {
    const MessageRow& row = any_row(chance, out_);
    std::array<std::uint32_t, 64> body{};
    for (std::size_t i = 0; i < (row.body_size + 3) / 4; ++i) body[i] = chance.odd_number();
    std::string tail = row.tail_limit > 0 ? noise(chance, std::min<std::size_t>(row.tail_limit, 300)) : "";
    return shaped(page, row.type, chance.odd_number(),
                  {reinterpret_cast<const std::byte*>(body.data()), row.body_size}, tail);
}

bool Wire::violate(Page& page, Chance& chance) {
    const MessageRow& own = any_row(chance, out_);
    std::string bytes(sizeof(Header), '\0');
    Header header{static_cast<std::uint16_t>(own.type), 0, chance.odd_number()};
    std::size_t body = own.body_size;
    std::size_t fds = own.fewest_fds;
    switch (chance.below(8)) {
        case 0: return raw(page, as_bytes(noise(chance, 100'000)));
        case 1: body += own.tail_limit + 1 + chance.below(64); break;  // too long
        case 2:
            fds = own.most_fds + 1U + chance.below(chance.one_in(3) ? 150 : 6);
            if (!kCanAttach) return raw(page, as_bytes("short"));
            break;
        case 3: header.zero = static_cast<std::uint16_t>(1 + chance.below(0xFFFF)); break;
        case 4: {  // a message of another edge, in perfect shape
            Edge other = out_;
            while (other == out_) other = static_cast<Edge>(chance.below(9));
            const MessageRow& foreign = any_row(chance, other);
            header.type = static_cast<std::uint16_t>(foreign.type);
            body = foreign.body_size;
            fds = foreign.fewest_fds;
            break;
        }
        case 5: header.type = static_cast<std::uint16_t>(chance.odd_number() | 0x4000U); break;
        case 6:
            if (own.body_size > 0) {  // too short
                body = chance.below(own.body_size);
                break;
            }
            return raw(page, as_bytes(std::string_view("short", 1 + chance.below(5))));
        default:
            body = kMaxMessage - sizeof(Header) - 1 + chance.below(3);  // the longest, and more
            break;
    }
    std::memcpy(bytes.data(), &header, sizeof header);
    for (std::size_t i = 0; i < body; ++i) bytes += static_cast<char>(chance.next());
    bool taken = raw(page, as_bytes(bytes), fds);
    if (taken) page.violations.fetch_add(1, std::memory_order_relaxed);
    return taken;
}

const MessageRow& any_row(Chance& chance, Edge edge) {
    static constexpr Msg kTypes[] = {
#define X(name, number, of, body, tail, fewest, most) Msg::name,
        REEVE_MESSAGES(X)
#undef X
    };
    for (;;) {
        Msg type = kTypes[chance.below(static_cast<std::uint32_t>(std::size(kTypes)))];
        const MessageRow* row = find_message(static_cast<std::uint16_t>(type));
        if (row->edge == edge) return *row;
    }
}

std::string noise(Chance& chance, std::size_t longest) {
    std::string bytes(chance.below(static_cast<std::uint32_t>(longest) + 1), '\0');
    for (char& byte : bytes) byte = static_cast<char>(chance.next());
    return bytes;
}

void wait_readable(std::span<const int> fds, int milliseconds) {
    pollfd polls[8];
    nfds_t count = 0;
    for (int fd : fds) {
        if (fd >= 0 && count < std::size(polls)) polls[count++] = {fd, POLLIN, 0};
    }
    ::poll(polls, count, milliseconds);
}

bool takes_more(int fd) {
    pollfd one{fd, POLLOUT, 0};
    return ::poll(&one, 1, 0) == 1 && (one.revents & POLLOUT) != 0;
}

}  // namespace reeve::hostile
