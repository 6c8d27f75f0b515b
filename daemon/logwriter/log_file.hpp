// A log file or special target that is open: writing to it without ever blocking on it, and moving bytes from
// a pipe into it without reading them.
//
// A regular file with one writer is written at an explicit offset, its size as of just before, so that a
// truncation by others is respected. A file that others write too was opened with O_APPEND. Special targets
// (pipes, terminals, sockets, devices, and regular files that came as supervisord's own stdout) get plain
// writes. Their descriptors are shared with other processes, so O_NONBLOCK must not be set on them: a pipe is
// written by way of an own pipe and splice(2), which can be told not to block; a socket by send(2); a
// terminal by small pieces after poll(2).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/unique_fd.hpp"

namespace reeve {

// An own pipe, as a stop on the way to a pipe that must not block. Made before the sandbox is entered.
struct PipeRelay {
    UniqueFd out;  // read end
    UniqueFd in;   // write end
    bool open();   // false with errno if the system has none
};

// What one call moved. bytes > 0: that many; else end: the pipe is at its end; else error: an errno.
// error is EAGAIN if the target takes nothing now, and kPipeEmpty if the pipe has nothing now.
struct Moved {
    std::size_t bytes = 0;
    int error = 0;
    bool end = false;
};
constexpr int kPipeEmpty = -1;

// Which file it is, whatever its name.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileId&) const = default;
};

class LogFile {
  public:
    explicit LogFile(PipeRelay& relay) : relay_(&relay) {}

    // special: whatever the catalogue calls kStreamSpecial, or a console. shared: others write it too.
    void open(UniqueFd fd, bool special, bool shared);
    void close() { fd_.reset(); }
    bool valid() const { return fd_.valid(); }
    int fd() const { return fd_.get(); }
    bool special() const { return special_; }

    // Looks at the file again; size() and vanished() speak of that moment. Special targets have neither.
    void look();
    std::int64_t size() const { return size_; }
    bool vanished() const { return vanished_; }
    // Of the file that was opened last.
    FileId id() const { return id_; }

    // Writes some of the text, at size() if the file is written by offset; call look() before.
    Moved write(std::string_view text);
    // Whether splice() is worth trying.
    bool can_splice() const { return can_splice_; }
    // Moves at most `most` bytes from the pipe; call look() before. EINVAL: not here, and can_splice() is
    // false from now on.
    Moved splice(int pipe, std::size_t most);

  private:
    enum class Kind { Offset, Append, Pipe, Socket, Terminal, Plain };
    Moved write_pipe(std::string_view text);
    Moved write_terminal(std::string_view text);

    PipeRelay* relay_;
    UniqueFd fd_;
    Kind kind_ = Kind::Plain;
    bool special_ = false;
    bool can_splice_ = false;
    bool vanished_ = false;
    std::int64_t size_ = 0;
    FileId id_;
};

// Bytes that are in a pipe now; 0 if it is empty or no pipe.
std::size_t bytes_in_pipe(int pipe);

// Milliseconds of CLOCK_MONOTONIC.
std::int64_t monotonic_ms();
std::int64_t monotonic_us();

}  // namespace reeve
