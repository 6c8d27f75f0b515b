// The write end of a child's stdin: writes what fits, keeps the rest, never blocks, never kills.
// Used for events to listeners and for sendProcessStdin.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/unique_fd.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

constexpr std::size_t kMaxStdinQueue = 1024 * 1024;  // bytes kept for a child that does not read

class StdinQueue {
  public:
    enum class Result {
        Taken,   // all bytes are written or queued
        Closed,  // EPIPE, now or earlier: nobody reads; what was queued is dropped
        Full,    // more than the limit would be queued: nothing was taken
    };

    // The fd is made non-blocking. drained is called when the last queued byte has gone into the pipe (not
    // from within write()); closed when EPIPE came while flushing (not from within write()). Both may be
    // empty.
    StdinQueue(Loop& loop, UniqueFd fd, std::function<void()> drained, std::function<void()> closed);

    // Takes all or nothing. With an empty queue a piece longer than the limit is taken if `oversize` is set.
    Result write(std::string_view bytes, bool oversize = false);

    std::size_t pending() const { return queue_.size() - head_; }
    bool open() const { return fd_.valid(); }
    void close();

  private:
    bool flush();
    void on_writable();

    UniqueFd fd_;
    std::unique_ptr<Watch> watch_;
    std::string queue_;
    std::size_t head_ = 0;  // bytes of queue_ that are gone already
    std::function<void()> drained_;
    std::function<void()> closed_;
};

}  // namespace reeve
