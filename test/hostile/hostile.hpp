// What the hostile parts share: chance, the page on which they count, and ways to send what no sound part
// would.
//
// A hostile part is run by the real spawner in the real part's place, under its account and behind its real
// sandbox: what it shows is what somebody who has captured the part could do by its channels. It has no
// arguments and no environment; what it is to do stands in the file hostile.page beside it, which the test
// driver maps as well (offsets: test/hostile/run). Each life draws its numbers from the page's seed and its
// own number.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/channel.hpp"
#include "common/sandbox/enter.hpp"

namespace reeve::hostile {

enum class Mode : std::uint32_t {
    Flood = 0,  // as many messages as go, all within the rules; after `limit` of them one that is not
    Quick = 1,  // a few of those, then one that is not
};
enum class Phase : std::uint32_t { Attack = 0, Calm = 1 };  // Calm: behave, and end when told

// What must not happen.
enum Leak : std::uint64_t {
    kOldGeneration = 1,  // a generation was told twice
    kNotKilled = 2,      // the rules were broken, and this process lives
    kWayToSpawner = 4,   // the front could send to the spawner
    kNotCutOff = 8,      // the engine goes on with a front that has broken the rules
};
constexpr std::size_t kMaxInodes = 4096;
struct Page {
    std::uint64_t seed;
    Mode mode;
    std::atomic<Phase> phase;
    std::uint64_t limit;
    std::atomic<std::uint64_t> lives;
    std::atomic<std::uint64_t> sent;        // messages that a socket took
    std::atomic<std::uint64_t> violations;  // of them, those that broke the rules on purpose
    std::atomic<std::uint64_t> received;
    std::atomic<std::uint64_t> refused;  // answers to calls: not authorized, bad request ...
    std::atomic<std::uint64_t> granted;  // answers to calls: what only somebody with a password may see
    std::atomic<std::uint64_t> leaks;    // bits of Leak: the driver fails the run
    std::atomic<std::uint64_t> inode_count;
    std::atomic<std::uint64_t> inodes[kMaxInodes];  // of the files whose descriptors came
};

// The page, after which the process is behind its sandbox. Ends the process if there is none.
Page& begin(SandboxPart part);

// SplitMix64: small, and the same everywhere.
class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(next() % limit); }
    bool one_in(std::uint32_t n) { return below(n) == 0; }
    // A number that tends to lie where checks go wrong: 0, 1, limits and their neighbours, all ones.
    std::uint32_t odd_number();

  private:
    std::uint64_t state_;
};

// One edge from the hostile side: sends anything, receives by the catalogue.
class Wire {
  public:
    Wire() = default;
    Wire(UniqueFd fd, Edge out, Edge in) : out_(out), channel_(std::move(fd), out, in) {}

    bool open() const { return channel_.open(); }
    int fd() const { return channel_.fd(); }
    void close() { channel_.close(); }
    Receive receive(Received& out);

    // Each is false if the socket took nothing (full or gone).
    bool raw(Page& page, std::span<const std::byte> bytes, std::size_t fd_count = 0);
    template <typename Body>
    bool send(Page& page, Msg type, std::uint32_t serial, const Body& body, std::string_view tail = {}) {
        return shaped(page, type, serial, {reinterpret_cast<const std::byte*>(&body), kBodySize<Body>}, tail);
    }
    bool shaped(Page& page, Msg type, std::uint32_t serial, std::span<const std::byte> body,
                std::string_view tail);
    // A message of this edge's own types, its fields drawn from odd numbers.
    bool odd(Page& page, Chance& chance);
    // Breaks the catalogue in one of its ways; the peer must end this edge.
    bool violate(Page& page, Chance& chance);

  private:
    Edge out_ = Edge::SE;
    Channel channel_;
    static ReceiveBuffer buffer_;
};

// How long who has been lied to may take to act: bounds only a failure on a busy machine.
constexpr int kPatienceMs = 60'000;

// The end of a wait.
class Deadline {
  public:
    explicit Deadline(int milliseconds) : end_(Clock::now() + std::chrono::milliseconds(milliseconds)) {}
    bool over() const { return Clock::now() >= end_; }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point end_;
};

// A random type of an edge.
const MessageRow& any_row(Chance& chance, Edge edge);
// Random bytes of at most `longest`.
std::string noise(Chance& chance, std::size_t longest);
// Waits until one of the edges is readable, at most so long.
void wait_readable(std::span<const int> fds, int milliseconds);
// Whether the socket takes more without waiting.
bool takes_more(int fd);

// Handles all that the spawner has said. Ends the process when it has closed the edge.
template <typename Handler>
void hear_spawner(Page& page, Wire& spawner, Handler&& handle) {
    Received got;
    for (Receive result = spawner.receive(got); result != Receive::Nothing; result = spawner.receive(got)) {
        if (result != Receive::Message) std::_Exit(0);
        page.received.fetch_add(1, std::memory_order_relaxed);
        handle(got);
    }
}

// Handles at most so many messages of a peer, and closes an edge that has ended.
template <typename Handler>
void hear_peer(Wire& peer, int most, Handler&& handle) {
    Received got;
    for (int i = 0; i < most && peer.open(); ++i) {
        Receive result = peer.receive(got);
        if (result == Receive::Nothing) return;
        if (result != Receive::Message) {
            peer.close();
        } else {
            handle(got.message);
        }
    }
}

// The main function of a hostile part.
template <typename Part>
int play(SandboxPart part) {
    ::signal(SIGPIPE, SIG_IGN);
    Page& page = begin(part);
    std::make_unique<Part>(page)->run();
    return 0;
}

}  // namespace reeve::hostile
