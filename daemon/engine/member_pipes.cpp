// The pipes of a member that the engine holds: the child's stdin, and an event listener's stdout. See
// member.hpp.
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemon/engine/group.hpp"
#include "daemon/engine/member.hpp"

namespace reeve {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kLastReads = 32;  // of a dead listener's stdout

}  // namespace

// Takes the descriptors that came with SPAWNED or SLOT. False if they are not those that the flags name.
bool Member::take_pipes(std::uint32_t fds, Received& received) {
    std::size_t expected = ((fds & kFdStdin) != 0 ? 1u : 0u) + ((fds & kFdListenerStdout) != 0 ? 1u : 0u);
    if (received.fd_count != expected) return false;
    close_pipes();
    std::size_t next = 0;
    if ((fds & kFdStdin) != 0) {
        // The pipe may close itself in the middle of a write; the object stays until the child has ended.
        stdin_ = std::make_unique<StdinQueue>(
            surroundings_.loop, std::move(received.fds[next++]),
            [this] {
                if (group_->pool()) group_->pool()->on_stdin_drained(index_);
            },
            nullptr);
    }
    if ((fds & kFdListenerStdout) != 0) {
        listener_stdout_ = std::move(received.fds[next]);
        listener_watch_ =
            surroundings_.loop.make_watch(listener_stdout_.get(), [this](bool, bool) { read_listener(); });
        listen();
    }
    return true;
}

void Member::listen() {
    if (listener_watch_ && !surroundings_.spawner.introducing()) listener_watch_->want(true, false);
}

void Member::close_pipes() {
    stdin_.reset();
    listener_watch_.reset();
    listener_stdout_.reset();
}

bool Member::read_listener() {
    if (!listener_stdout_.valid()) return false;
    static std::array<char, kReadSize> buffer;
    ssize_t size = ::read(listener_stdout_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) return true;
    if (size < 0 && errno == EAGAIN) return false;
    if (size <= 0) {
        listener_watch_.reset();
        listener_stdout_.reset();
        return false;
    }
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    // First the pool, which notes what it learns for an engine after this one.
    if (group_->pool() != nullptr) group_->pool()->on_output(index_, bytes);
    surroundings_.log.append(stream_of(slot_, false), process_.serial(), bytes);
    return listener_stdout_.valid();
}

// What is in the pipe of a listener that has ended; a grandchild that goes on writing must not hold up all
// else.
void Member::read_last_words() {
    for (int reads = 0; reads < kLastReads && read_listener(); ++reads) {
    }
}

Member::Stdin Member::write_stdin(std::string_view bytes, bool is_event) {
    if (!stdin_) return Stdin::Closed;
    switch (stdin_->write(bytes, is_event)) {
        case StdinQueue::Result::Taken: return Stdin::Taken;
        case StdinQueue::Result::Full: return Stdin::Full;
        case StdinQueue::Result::Closed: return Stdin::Closed;
    }
    return Stdin::Closed;
}

}  // namespace reeve
