// Reading, clearing and following logs. See reader.hpp.
#include "daemon/logwriter/reader.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemon/logwriter/read_rules.hpp"
#include "daemon/logwriter/stream.hpp"

namespace reeve {
namespace {

constexpr std::size_t kEnoughQueued = 256 * 1024;  // bytes waiting for the engine, beyond which readers pause
constexpr timeval kLookAgain{1, 0};
constexpr std::size_t kMostReads = kMaxOpenCalls;  // of each kind: they hold descriptors
constexpr std::size_t kMostClears = 2 * std::size_t{kMaxSlots};

// Whether the spawner knows such a file. It would kill this process for asking.
bool can_be_read(std::uint32_t stream) { return stream == kMainLogStream || stream / 2 < kMaxSlots; }

std::span<const std::byte> bytes_of(std::span<char> buffer, std::size_t size) {
    return std::as_bytes(buffer.first(size));
}

}  // namespace

Reader::Reader(event_base* base, ReaderHub& hub)
    : hub_(hub), tick_(event_new(base, -1, EV_PERSIST, on_tick, this)) {}

bool Reader::in_use(std::uint32_t serial) const {
    return reads_.count(serial) + followers_.count(serial) + clears_.count(serial) != 0;
}

void Reader::done(std::uint32_t serial, DoneResult result, int error) {
    DoneBody body{};
    body.result = result;
    body.error = error;
    hub_.engine().send(Msg::DONE, serial, body);
}

// ---- the requests ---------------------------------------------------------------------------------------

bool Reader::on_read(std::uint32_t serial, const ReadBody& body) {
    if (in_use(serial) || !can_be_read(body.stream) || reads_.size() == kMostReads) return false;
    std::uint64_t ticket = next_ticket_++;
    Read read;
    read.ticket = ticket;
    read.what = body;
    reads_.emplace(serial, static_cast<Read&&>(read));
    hub_.open_for_reader(body.stream, FileOp::Read, ticket);
    return true;
}

bool Reader::on_clear(std::uint32_t serial, const ClearBody& body) {
    if (in_use(serial) || !can_be_read(body.stream) || clears_.size() == kMostClears) return false;
    std::uint64_t ticket = next_ticket_++;
    clears_.emplace(serial, Clear{ticket});
    hub_.open_for_reader(body.stream, FileOp::Clear, ticket);
    return true;
}

bool Reader::on_follow(std::uint32_t serial, const FollowBody& body) {
    if (in_use(serial) || !can_be_read(body.stream) || followers_.size() == kMostReads) return false;
    std::uint64_t ticket = next_ticket_++;
    Follower follower;
    follower.ticket = ticket;
    follower.what = body;
    follower.opening = true;
    followers_.emplace(serial, static_cast<Follower&&>(follower));
    hub_.open_for_reader(body.stream, FileOp::Read, ticket);
    return true;
}

void Reader::on_follow_more(std::uint32_t serial) {
    auto found = followers_.find(serial);
    if (found == followers_.end()) return;
    found->second.wanted = true;
    step(serial, found->second);
}

void Reader::on_follow_end(std::uint32_t serial) {
    followers_.erase(serial);
    if (followers_.empty()) event_del(tick_.get());
}

void Reader::forget_all() {
    reads_.clear();
    followers_.clear();
    clears_.clear();
    event_del(tick_.get());
}

void Reader::on_logfile(std::uint64_t ticket, FileOp op, int error, UniqueFd fd, std::uint32_t flags) {
    if (op == FileOp::Clear) {
        for (auto it = clears_.begin(); it != clears_.end(); ++it) {
            if (it->second.ticket != ticket) continue;
            std::uint32_t serial = it->first;
            clears_.erase(it);
            done(serial,
                 error == 0        ? DoneResult::Ok
                 : error == ENOENT ? DoneResult::NoFile
                                   : DoneResult::Failed,
                 error);
            return;
        }
        return;
    }
    for (auto& [serial, read] : reads_) {
        if (read.ticket == ticket) return start_read(serial, error, static_cast<UniqueFd&&>(fd));
    }
    for (auto& [serial, follower] : followers_) {
        if (follower.ticket != ticket) continue;
        if (!follower.fd.valid())
            return start_follow(serial, follower, error, static_cast<UniqueFd&&>(fd), flags);
        switch_file(follower, error, static_cast<UniqueFd&&>(fd));
        return step(serial, follower);
    }
}

// ---- READ -----------------------------------------------------------------------------------------------

void Reader::start_read(std::uint32_t serial, int error, UniqueFd fd) {
    auto found = reads_.find(serial);
    Read& read = found->second;
    struct stat info {};
    if (error == 0 && (!fd.valid() || ::fstat(fd.get(), &info) != 0)) error = EBADF;
    bool regular = error == 0 && S_ISREG(info.st_mode);
    const ReadBody& what = read.what;
    ReadPlan plan = what.mode == ReadMode::Tail ? plan_tail(what.offset, what.length, info.st_size)
                                                : plan_read(what.offset, what.length, info.st_size);
    if (error == ENOENT || error == ENOTDIR || plan.bad_arguments || !regular) {
        reads_.erase(found);
        if (error == ENOENT || error == ENOTDIR) return done(serial, DoneResult::NoFile, error);
        if (plan.bad_arguments) return done(serial, DoneResult::BadArguments, 0);
        return done(serial, DoneResult::Failed, error != 0 ? error : ESPIPE);
    }
    read.fd = static_cast<UniqueFd&&>(fd);
    read.offset = plan.offset;
    read.left = plan.length;
    read.done.result = DoneResult::Ok;
    read.done.overflow = plan.overflow ? 1 : 0;
    read.done.size = info.st_size;
    read.done.mtime = info.st_mtime;
    on_room();
}

// False: the request is over.
bool Reader::send_piece(std::uint32_t serial, Read& read) {
    if (read.left > 0) {
        std::span<char> buffer = hub_.reader_buffer();
        std::size_t most = static_cast<std::size_t>(
            std::min<std::int64_t>(read.left, static_cast<std::int64_t>(buffer.size())));
        ssize_t got = ::pread(read.fd.get(), buffer.data(), most, read.offset);
        if (got > 0) {
            hub_.engine().send(Msg::BYTES, serial, Empty{}, bytes_of(buffer, static_cast<std::size_t>(got)));
            read.offset += got;
            read.left -= got;
            return true;
        }
        if (got < 0) {
            read.done.result = DoneResult::Failed;
            read.done.error = errno;
        }
    }
    hub_.engine().send(Msg::DONE, serial, read.done);
    return false;
}

void Reader::on_room() {
    bool more = true;
    while (more && hub_.engine().queued_bytes() < kEnoughQueued) {
        more = false;
        // One piece of each in turn, so that a long log does not hold up a short one.
        for (auto it = reads_.begin(); it != reads_.end();) {
            if (!it->second.fd.valid()) {
                ++it;
            } else if (send_piece(it->first, it->second)) {
                more = true;
                ++it;
            } else {
                it = reads_.erase(it);
            }
        }
    }
}

// ---- FOLLOW ---------------------------------------------------------------------------------------------

void Reader::start_follow(std::uint32_t serial, Follower& follower, int error, UniqueFd fd,
                          std::uint32_t flags) {
    struct stat info {};
    if (error == 0 && (!fd.valid() || ::fstat(fd.get(), &info) != 0)) error = EBADF;
    if (error == 0 && ((flags & kStreamSpecial) != 0 || !S_ISREG(info.st_mode))) error = ESPIPE;
    if (error != 0) {
        on_follow_end(serial);
        return done(serial, error == ENOENT || error == ENOTDIR ? DoneResult::NoFile : DoneResult::Failed,
                    error);
    }
    follower.fd = static_cast<UniqueFd&&>(fd);
    follower.opening = false;
    follower.id = {info.st_dev, info.st_ino};
    follower.offset = std::max<std::int64_t>(info.st_size - std::int64_t{follower.what.history}, 0);
    DoneBody body{};
    body.size = info.st_size;
    body.mtime = info.st_mtime;
    hub_.engine().send(Msg::DONE, serial, body);
    if (evtimer_pending(tick_.get(), nullptr) == 0) event_add(tick_.get(), &kLookAgain);
    step(serial, follower);
}

void Reader::switch_file(Follower& follower, int error, UniqueFd fd) {
    follower.opening = false;
    struct stat info {};
    if (error != 0 || !fd.valid() || ::fstat(follower.fd.get(), &info) != 0)
        return;                                  // the next look asks again
    if (info.st_size > follower.offset) return;  // the old file has grown meanwhile; its rest comes first
    if (::fstat(fd.get(), &info) != 0) return;
    follower.replaced = false;
    if (follower.id == FileId{info.st_dev, info.st_ino}) return;
    follower.fd = static_cast<UniqueFd&&>(fd);
    follower.id = {info.st_dev, info.st_ino};
    follower.offset = 0;
}

void Reader::step(std::uint32_t serial, Follower& follower) {
    if (!follower.wanted || !follower.fd.valid()) return;
    struct stat info {};
    if (::fstat(follower.fd.get(), &info) != 0) return;
    if (info.st_size < follower.offset) follower.offset = 0;
    if (info.st_size > follower.offset) {
        std::span<char> buffer = hub_.reader_buffer();
        ssize_t got = ::pread(follower.fd.get(), buffer.data(), buffer.size(), follower.offset);
        if (got <= 0) return;
        follower.offset += got;
        follower.wanted = false;
        hub_.engine().send(Msg::BYTES, serial, Empty{}, bytes_of(buffer, static_cast<std::size_t>(got)));
        return;
    }
    // A file without a name will get nothing any more but from its present writer, which is told to reopen.
    if ((follower.replaced || info.st_nlink == 0) && !follower.opening) {
        follower.opening = true;
        hub_.open_for_reader(follower.what.stream, FileOp::Read, follower.ticket);
    }
}

void Reader::on_written(const Stream& stream) {
    for (auto& [serial, follower] : followers_) {
        if (follower.what.stream == stream.number() || follower.id == stream.file().id()) {
            step(serial, follower);
        }
    }
}

void Reader::on_file_replaced(std::uint32_t stream) {
    for (auto& [serial, follower] : followers_) {
        if (follower.what.stream != stream) continue;
        follower.replaced = true;
        step(serial, follower);
    }
}

void Reader::on_tick(evutil_socket_t, short, void* self) {
    Reader& reader = *static_cast<Reader*>(self);
    for (auto& [serial, follower] : reader.followers_) {
        follower.replaced = true;   // perhaps: others (logrotate) rename files, too, and only the path tells
        reader.step(serial, follower);
    }
}

}  // namespace reeve
