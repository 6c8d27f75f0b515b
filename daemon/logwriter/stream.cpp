// From pipe to file. See stream.hpp; the file itself is log_file.cpp, when it is replaced rotate.cpp.
#include "daemon/logwriter/stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace reeve {
namespace {

// One read, splice, or record. Room is left for what an earlier chunk had held back, so that no piece of
// output is longer than a message's tail.
constexpr std::size_t kPiece = kMaxChunk;
constexpr std::size_t kLookedPiece = kMaxChunk - 64;
constexpr std::size_t kMaxPending = 1024 * 1024;  // bytes that wait for a file whose writer cannot be held up
constexpr std::int64_t kPatienceMs = 1000;        // a program is held up no longer
constexpr int kRetryMs = 100;
constexpr std::int64_t kReportMs = 60 * 1000;

constexpr std::size_t kLargePipe = 256 * 1024;
constexpr std::size_t kMostLargePipes = 64;
constexpr unsigned kManyFullTurns = 16;

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

void start_timer(event* timer, std::int64_t ms) {
    timeval delay{ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &delay);
}

// An event listener speaks a protocol on its stdout: no events and no capture there. (Nor an echo: the engine
// shows what it says.)
StreamBody adjusted(StreamBody what) {
    if (what.kind == StreamKind::ListenerStdout) {
        what.flags &= ~kStreamEvents;
        what.capture_max = 0;
    }
    return what;
}

}  // namespace

Stream::Stream(StreamHub& hub, const StreamBody& what, std::uint32_t serial, std::string_view name,
               UniqueFd pipe, UniqueFd file)
    : hub_(hub),
      what_(adjusted(what)),
      serial_(serial),
      name_(name),
      pipe_(static_cast<UniqueFd&&>(pipe)),
      file_(hub.relay()),
      rotation_(what.maxbytes),
      plain_((what_.flags & (kStreamStripAnsi | kStreamSyslog | kStreamEvents)) == 0 &&
             what_.capture_max == 0 && (!hub.echoes() || what_.kind == StreamKind::ListenerStdout)),
      budget_(kUnlimited),
      captured_(what_.capture_max) {
    retry_.reset(event_new(hub_.base(), -1, 0, on_retry, this));
    report_.reset(event_new(hub_.base(), -1, 0, on_report, this));
    if (file.valid()) open_target(static_cast<UniqueFd&&>(file), (what.flags & kStreamSpecial) != 0);
    if (pipe_.valid()) {
        // The read end is not the program's description, so the program's writes stay blocking.
        int flags = ::fcntl(pipe_.get(), F_GETFL);
        if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(pipe_.get(), F_SETFL, flags | O_NONBLOCK);
        capacity_ = static_cast<std::size_t>(std::max(::fcntl(pipe_.get(), F_GETPIPE_SZ), 0));
        readable_.reset(event_new(hub_.base(), pipe_.get(), EV_READ | EV_PERSIST, on_readable, this));
        update();
    }
}

void Stream::open_target(UniqueFd fd, bool special) {
    room_.reset();
    // supervisord's own stdout has an offset that is shared with the spawner, even if it is a regular file.
    file_.open(static_cast<UniqueFd&&>(fd), special || what_.kind == StreamKind::Console,
               (what_.flags & kStreamShared) != 0);
    if (file_.special()) room_.reset(event_new(hub_.base(), file_.fd(), EV_WRITE, on_retry, this));
}

// ---- reading --------------------------------------------------------------------------------------------

bool Stream::may_read() const {
    if (!pipe_.valid() || !pending_.empty() || rotation_.paused() || flow_ == Flow::Stalled) return false;
    return (what_.flags & kStreamEvents) == 0 || draining_ || !hub_.engine_crowded();
}

void Stream::update() {
    bool want = may_read();
    if (want != reading_ && readable_ != nullptr) {
        reading_ = want;
        if (want) {
            event_add(readable_.get(), nullptr);
        } else {
            event_del(readable_.get());
        }
    }
    maybe_finish();
}

void Stream::on_readable(evutil_socket_t, short, void* self) {
    Stream& stream = *static_cast<Stream*>(self);
    stream.move_some();
    stream.update();
}

void Stream::move_some() {
    std::size_t bytes = move_piece();
    std::size_t all = bytes;
    // Of a large pipe as much at a time as it can hold; others wait no longer than that takes.
    while (bytes == kPiece && all + kPiece <= capacity_ && may_read()) {
        bytes = move_piece();
        all += bytes;
    }
    hub_.on_moved(all, capacity_);
    if (all >= capacity_ && plain_ && ++full_turns_ == kManyFullTurns) enlarge_pipe();
}

// A program that writes faster than we come round stands still whenever its pipe is full. A few such programs
// get larger pipes; not all, for the system counts the memory of all pipes of a user.
void Stream::enlarge_pipe() {
    if (!pipe_.valid() || capacity_ >= kLargePipe || hub_.large_pipes() == kMostLargePipes) return;
    int now = ::fcntl(pipe_.get(), F_SETPIPE_SZ, static_cast<int>(kLargePipe));
    if (now < static_cast<int>(kLargePipe)) return;
    capacity_ = static_cast<std::size_t>(now);
    ++hub_.large_pipes();
    enlarged_ = true;
}

std::size_t Stream::move_piece() {
    std::size_t most = std::min(plain_ ? kPiece : kLookedPiece, budget_);
    bool splices = plain_ && file_.valid() && file_.can_splice();
    return splices ? splice_piece(most) : read_piece(most);
}

std::size_t Stream::splice_piece(std::size_t most) {
    if (!ready_to_write()) return 0;
    Moved moved = file_.splice(pipe_.get(), most);
    if (moved.bytes > 0) {
        wrote(moved.bytes);
        check_rotation();
        consumed(moved.bytes);
    } else if (moved.end) {
        close_pipe();
    } else if (moved.error == kPipeEmpty) {
        if (draining_) close_pipe();
    } else if (!file_.can_splice()) {
        return read_piece(most);
    } else if (must_drop(moved.error)) {
        return discard_piece(most, moved.error);
    }
    return moved.bytes;
}

std::size_t Stream::read_piece(std::size_t most) {
    std::span<char> buffer = hub_.chunk_buffer();
    ssize_t got = ::read(pipe_.get(), buffer.data(), std::min(most, buffer.size()));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (draining_ && errno == EAGAIN) close_pipe();
        return 0;
    }
    if (got <= 0) {
        close_pipe();
        return 0;
    }
    std::size_t bytes = static_cast<std::size_t>(got);
    process({buffer.data(), bytes});
    consumed(bytes);
    return bytes;
}

std::size_t Stream::discard_piece(std::size_t most, int error) {
    std::span<char> buffer = hub_.chunk_buffer();
    ssize_t got = ::read(pipe_.get(), buffer.data(), std::min(most, buffer.size()));
    if (got <= 0) {
        close_pipe();
        return 0;
    }
    std::size_t bytes = static_cast<std::size_t>(got);
    lose(bytes, error);
    consumed(bytes);
    return bytes;
}

void Stream::consumed(std::size_t bytes) {
    if (!draining_ || !pipe_.valid()) return;
    budget_ -= std::min(bytes, budget_);
    if (budget_ == 0) close_pipe();
}

void Stream::close_pipe() {
    readable_.reset();
    reading_ = false;
    pipe_.reset();
    if (enlarged_) --hub_.large_pipes();
    enlarged_ = false;
    if (what_.capture_max > 0) scanner_.finish(*this);
    if ((what_.flags & kStreamStripAnsi) != 0) {
        std::string rest;
        outside_.finish(rest);
        inside_ = AnsiStripper();
        if (!rest.empty()) pass_on(rest, false);
    }
}

// ---- what happens to a chunk ----------------------------------------------------------------------------

void Stream::append(std::string_view bytes) {
    if (!bytes.empty()) process(bytes);
    update();
}

void Stream::process(std::string_view chunk) {
    if (plain_) {
        log(chunk);
    } else if (what_.capture_max > 0) {
        scanner_.feed(chunk, *this);
    } else {
        on_text(chunk, false);
    }
}

void Stream::on_text(std::string_view text, bool captured) {
    if ((what_.flags & kStreamStripAnsi) == 0) {
        pass_on(text, captured);
        return;
    }
    stripped_.clear();
    (captured ? inside_ : outside_).strip(text, stripped_);
    if (!stripped_.empty()) pass_on(stripped_, captured);
}

void Stream::on_token(bool captured) {
    // A token ends whatever escape sequence was open on its side.
    std::string rest;
    (captured ? outside_ : inside_).finish(rest);
    if (!rest.empty()) pass_on(rest, !captured);
    if (captured) return;
    hub_.on_communication(*this, captured_.bytes());
    captured_.clear();
}

void Stream::pass_on(std::string_view text, bool captured) {
    if (captured) {
        captured_.keep(text);
    } else {
        log(text);
        if ((what_.flags & kStreamSyslog) != 0) hub_.on_syslog(*this, text);
    }
    if (hub_.echoes() && what_.kind != StreamKind::ListenerStdout) hub_.on_echo(*this, text);
    if ((what_.flags & kStreamEvents) != 0) hub_.on_output(*this, text);
}

// ---- writing --------------------------------------------------------------------------------------------

void Stream::log(std::string_view record) {
    if (!file_.valid() || record.empty()) return;
    std::size_t done = 0;
    if (pending_.empty()) {
        if (rotation_.paused() || flow_ == Flow::Stalled) {
            done = 0;
        } else {
            done = write_record(record);
            if (done == record.size()) {
                check_rotation();
                return;
            }
        }
    }
    if (pending_bytes_ > kMaxPending) {
        lose(record.size(), lost_error_ != 0 ? lost_error_ : EAGAIN);
        return;
    }
    if (pending_.empty()) written_ = done;
    pending_.emplace_back(record);
    pending_bytes_ += record.size();
}

bool Stream::flush() {
    while (!pending_.empty()) {
        if (rotation_.paused()) return false;
        const std::string& first = pending_.front();
        written_ += write_record(std::string_view(first).substr(written_));
        if (written_ < first.size()) return false;
        pending_bytes_ -= first.size();
        pending_.pop_front();
        written_ = 0;
        check_rotation();
    }
    return true;
}

// How many bytes of the text are dealt with: written, or lost for good. Less than all: the file makes wait.
std::size_t Stream::write_record(std::string_view text) {
    std::size_t done = 0;
    while (done < text.size()) {
        if (!ready_to_write()) return done;
        Moved moved = file_.write(text.substr(done));
        if (moved.bytes > 0) {
            done += moved.bytes;
            wrote(moved.bytes);
        } else if (must_drop(moved.error)) {
            lose(text.size() - done, moved.error);
            return text.size();
        } else {
            return done;
        }
    }
    return done;
}

// Looks at the file as it is just before a write. False: it has to be opened again first.
bool Stream::ready_to_write() {
    if (rotation_.paused()) return false;
    file_.look();
    if (file_.special()) return true;
    if (std::optional<FileOp> op = rotation_.before_write(file_.vanished(), monotonic_ms())) {
        hub_.open_file(*this, *op);
        return !rotation_.paused();
    }
    return true;
}

void Stream::wrote(std::size_t bytes) {
    if (flow_ != Flow::Flowing) {
        flow_ = Flow::Flowing;
        event_del(retry_.get());
        if (room_ != nullptr) event_del(room_.get());
        if (what_.kind == StreamKind::MainLog && lost_ > 0) start_timer(report_.get(), 0);
    }
    // The file was deleted and cannot be made again: what goes into it nobody will ever read.
    if (file_.vanished()) lose(bytes, ENOENT);
    hub_.on_written(*this);
}

void Stream::check_rotation() {
    if (file_.special() || !rotation_.limited()) return;
    if (std::optional<FileOp> op = rotation_.after_write(file_.size(), monotonic_ms()))
        hub_.open_file(*this, *op);
}

void Stream::on_logfile(FileOp op, int error, UniqueFd fd, std::uint32_t flags) {
    bool ok = error == 0;
    rotation_.answered(op, ok, monotonic_ms());
    if (ok && fd.valid()) open_target(static_cast<UniqueFd&&>(fd), (flags & kStreamSpecial) != 0);
    if (ok && op == FileOp::Clear) captured_.clear();
    if (!ok) hub_.on_open_failed(*this, op, error);
    go_on();
}

void Stream::follow_replacement() {
    if (finished_ || file_.special()) return;
    rotation_.ask_reopen();
    if (rotation_.paused()) hub_.open_file(*this, FileOp::Reopen);
    update();
}

// ---- trouble --------------------------------------------------------------------------------------------

// The target takes nothing. True: the bytes at hand are to be given up. False: wait, on_retry() comes.
bool Stream::must_drop(int error) {
    if (flow_ == Flow::Dropping || last_chance_) return true;
    std::int64_t now = monotonic_ms();
    if (flow_ == Flow::Flowing) {
        flow_ = Flow::Stalled;
        stalled_ms_ = now;
    }
    if (error == EPIPE || error == EBADF || now - stalled_ms_ >= kPatienceMs) {
        flow_ = Flow::Dropping;
        return true;
    }
    if (room_ != nullptr && error == EAGAIN && event_add(room_.get(), nullptr) == 0) {
        start_timer(retry_.get(), stalled_ms_ + kPatienceMs - now);
    } else {
        start_timer(retry_.get(), kRetryMs);
    }
    return false;
}

void Stream::on_retry(evutil_socket_t, short, void* self) { static_cast<Stream*>(self)->go_on(); }

void Stream::go_on() {
    if (finished_) return;
    bool waited = flow_ == Flow::Stalled;
    if (flush() && waited && pipe_.valid() && !rotation_.paused()) move_piece();
    update();
}

void Stream::lose(std::uint64_t bytes, int error) {
    lost_ += bytes;
    lost_error_ = error;
    if (evtimer_pending(report_.get(), nullptr) != 0) return;
    std::int64_t next = reported_ms_ == 0 ? 0 : reported_ms_ + kReportMs - monotonic_ms();
    start_timer(report_.get(), std::max<std::int64_t>(next, 1000));
}

void Stream::on_report(evutil_socket_t, short, void* self) { static_cast<Stream*>(self)->report_lost(); }

void Stream::report_lost() {
    if (lost_ == 0) return;
    std::uint64_t lost = lost_;
    lost_ = 0;
    reported_ms_ = monotonic_ms();
    hub_.on_lost(*this, lost, lost_error_);
    // The line about the main log's own loss is lost with the rest: it is told again when there is room.
    if (what_.kind == StreamKind::MainLog && flow_ != Flow::Flowing) lost_ += lost;
}

// ---- the end --------------------------------------------------------------------------------------------

void Stream::drain() {
    if (draining_ || finished_) return;
    draining_ = true;
    if (pipe_.valid()) {
        budget_ = bytes_in_pipe(pipe_.get());
        if (budget_ == 0) close_pipe();
    }
    move_rest();
}

void Stream::finish_now() {
    if (finished_) return;
    rotation_.give_up();
    last_chance_ = true;
    flow_ = Flow::Dropping;
    flush();
    drain();
    move_rest();
}

void Stream::move_rest() {
    // Ends at the latest with the budget: what a grandchild goes on writing comes after it.
    while (may_read()) move_piece();
    if (!finished_) update();
}

void Stream::maybe_finish() {
    if (!draining_ || finished_ || pipe_.valid() || !pending_.empty() || rotation_.paused()) return;
    finished_ = true;
    event_del(retry_.get());
    event_del(report_.get());
    room_.reset();
    report_lost();
    file_.close();
    hub_.on_finished(*this);
}

}  // namespace reeve
