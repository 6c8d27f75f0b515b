// Writing without blocking. See log_file.hpp.
#include "daemon/logwriter/log_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace reeve {
namespace {

constexpr std::size_t kRelaySize = 64 * 1024;  // a default pipe's
constexpr std::size_t kTerminalPiece = 256;  // what a terminal that polls as writable can be trusted to take
constexpr unsigned kMemoryDevices = 1;       // major number of /dev/null, /dev/full ...: they never wait

Moved moved(ssize_t result) {
    if (result >= 0) return {static_cast<std::size_t>(result), 0, false};
    return {0, errno == EINTR ? EAGAIN : errno, false};
}

}  // namespace

bool PipeRelay::open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
    out.reset(ends[0]);
    in.reset(ends[1]);
    return true;
}

void LogFile::open(UniqueFd fd, bool special, bool shared) {
    fd_ = static_cast<UniqueFd&&>(fd);
    special_ = special;
    vanished_ = false;
    size_ = 0;
    kind_ = Kind::Plain;
    struct stat info {};
    if (::fstat(fd_.get(), &info) == 0) {
        id_ = {info.st_dev, info.st_ino};
        size_ = info.st_size;
        if (S_ISREG(info.st_mode)) {
            kind_ = special ? Kind::Plain : shared ? Kind::Append : Kind::Offset;
        } else {
            special_ = true;
            if (S_ISFIFO(info.st_mode)) kind_ = Kind::Pipe;
            if (S_ISSOCK(info.st_mode)) kind_ = Kind::Socket;
            if (S_ISCHR(info.st_mode) && major(info.st_rdev) != kMemoryDevices) kind_ = Kind::Terminal;
        }
    }
    can_splice_ = kind_ == Kind::Offset || kind_ == Kind::Pipe;
}

void LogFile::look() {
    if (special_) return;
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return;
    size_ = info.st_size;
    vanished_ = info.st_nlink == 0;
}

Moved LogFile::write(std::string_view text) {
    Moved result;
    switch (kind_) {
        case Kind::Offset: result = moved(::pwrite(fd_.get(), text.data(), text.size(), size_)); break;
        case Kind::Append:
        case Kind::Plain: result = moved(::write(fd_.get(), text.data(), text.size())); break;
        case Kind::Pipe: result = write_pipe(text); break;
        case Kind::Socket:
            result = moved(::send(fd_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
            break;
        case Kind::Terminal: result = write_terminal(text); break;
    }
    // A write of nothing without an error makes no progress; take it as a disk that is full.
    if (result.bytes == 0 && result.error == 0 && !text.empty()) result.error = ENOSPC;
    size_ += static_cast<std::int64_t>(result.bytes);
    return result;
}

Moved LogFile::write_pipe(std::string_view text) {
    Moved result = moved(::write(relay_->in.get(), text.data(), std::min(text.size(), kRelaySize)));
    std::size_t left = result.bytes;
    if (left == 0) return result;
    result.bytes = 0;
    while (left > 0) {
        ssize_t passed = ::splice(relay_->out.get(), nullptr, fd_.get(), nullptr, left, SPLICE_F_NONBLOCK);
        if (passed <= 0) {
            if (result.bytes == 0) result.error = passed == 0 || errno == EINTR ? EAGAIN : errno;
            break;
        }
        result.bytes += static_cast<std::size_t>(passed);
        left -= static_cast<std::size_t>(passed);
    }
    // The caller still has what did not fit.
    char scratch[4096];
    while (left > 0) {
        ssize_t got = ::read(relay_->out.get(), scratch, std::min(left, sizeof scratch));
        if (got <= 0) break;
        left -= static_cast<std::size_t>(got);
    }
    return result;
}

Moved LogFile::write_terminal(std::string_view text) {
    Moved result;
    while (!text.empty()) {
        pollfd ready{fd_.get(), POLLOUT, 0};
        if (::poll(&ready, 1, 0) <= 0 || (ready.revents & (POLLOUT | POLLERR | POLLHUP)) == 0) {
            if (result.bytes == 0) result.error = EAGAIN;
            break;
        }
        Moved piece = moved(::write(fd_.get(), text.data(), std::min(text.size(), kTerminalPiece)));
        if (piece.bytes == 0) {
            if (result.bytes == 0) result.error = piece.error == 0 ? EAGAIN : piece.error;
            break;
        }
        result.bytes += piece.bytes;
        text.remove_prefix(piece.bytes);
    }
    return result;
}

Moved LogFile::splice(int pipe, std::size_t most) {
    loff_t offset = size_;
    bool by_offset = kind_ == Kind::Offset;
    ssize_t result = ::splice(pipe, nullptr, fd_.get(), by_offset ? &offset : nullptr, most,
                              SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (result > 0) {
        size_ += result;
        return {static_cast<std::size_t>(result), 0, false};
    }
    if (result == 0) return {0, 0, true};
    int error = errno;
    if (error == EINVAL) can_splice_ = false;
    if (error == EINTR) error = EAGAIN;
    if (error == EAGAIN && bytes_in_pipe(pipe) == 0) error = kPipeEmpty;
    return {0, error, false};
}

std::size_t bytes_in_pipe(int pipe) {
    int count = 0;
    if (::ioctl(pipe, FIONREAD, &count) != 0 || count < 0) return 0;
    return static_cast<std::size_t>(count);
}

std::int64_t monotonic_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

std::int64_t monotonic_ms() { return monotonic_us() / 1000; }

}  // namespace reeve
