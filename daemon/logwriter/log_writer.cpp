// What the spawner and the engine tell the log writer. See log_writer.hpp; the other direction is
// log_writer_streams.cpp.
#include "daemon/logwriter/log_writer.hpp"

#include <poll.h>
#include <time.h>

#include <cstdio>

#include "common/base/log_line.hpp"

namespace reeve {
namespace {

constexpr std::int64_t kEngineEndMs = 2000;           // how long the engine's last lines are waited for
constexpr std::int64_t kWriteEndMs = 1000;            // how long a slow target is waited for after that
constexpr std::size_t kMostQueued = 8 * 1024 * 1024;  // for the engine
constexpr std::size_t kNoLimit = SIZE_MAX;            // for the spawner, which may wait for this process
constexpr timeval kEndStep{0, 10 * 1000};

constexpr std::uint32_t kKnownFlags = kStreamPipe | kStreamFile | kStreamSpecial | kStreamShared |
                                      kStreamStripAnsi | kStreamSyslog | kStreamEvents | kStreamMainSyslog;
constexpr Msg kRequestAnswers[] = {Msg::BYTES, Msg::DONE};

std::int64_t wall_us() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

bool known_level(Level level) { return level_name(level)[0] != '?'; }

}  // namespace

LogWriter::LogWriter(event_base* base, UniqueFd spawner, PipeRelay relay)
    : base_(base),
      relay_(static_cast<PipeRelay&&>(relay)),
      receive_buffer_(std::make_unique<ReceiveBuffer>()),
      chunk_buffer_(std::make_unique<std::array<char, kMaxChunk>>()),
      reader_buffer_(std::make_unique<std::array<char, kMaxChunk>>()),
      spawner_(base, *this, *receive_buffer_, Edge::LS, Edge::SL, kNoLimit),
      engine_(base, *this, *receive_buffer_, Edge::LE, Edge::EL, kMostQueued),
      syslog_(base, [this] { ask_for_syslog(); }),
      main_log_(syslog_),
      reader_(base, *this),
      cleanup_(event_new(base, -1, 0, on_cleanup, this)),
      end_timer_(event_new(base, -1, 0, on_end_timer, this)) {
    spawner_.open(static_cast<UniqueFd&&>(spawner));
}

int LogWriter::run() {
    while (event_base_loop(base_, EVLOOP_ONCE) == 0 && event_base_got_break(base_) == 0) let_pipes_fill();
    return violated_ ? 70 : 0;
}

// Only output waits; what the spawner or the engine says is heard at once.
void LogWriter::let_pipes_fill() {
    if (std::int64_t rest = pace_.rest(); rest > 0) {
        pollfd links[] = {{spawner_.fd(), POLLIN, 0}, {engine_.fd(), POLLIN, 0}};
        timespec most{0, static_cast<long>(rest) * 1000};
        ::ppoll(links, 2, &most, nullptr);
    }
    pace_.turn_begins(monotonic_us());
}

void LogWriter::on_message(Link& link, Received& received) {
    if (&link == &spawner_) {
        on_spawner_message(received);
    } else {
        on_engine_message(received.message);
    }
}

void LogWriter::on_end(Link& link) {
    if (&link == &spawner_) {
        begin_end();
    } else {
        engine_gone();
    }
}

void LogWriter::on_violation(Link& link, const char* reason) {
    if (&link == &spawner_) return violation(reason);
    std::string text = "log writer: the engine broke the protocol: ";
    warn(text.append(reason));
    engine_.close();
    engine_gone();
}

// The spawner is trusted; if it cannot be understood, nothing that follows would be right.
void LogWriter::violation(const char* reason) {
    std::fprintf(stderr, "supervisor-log: the spawner broke the protocol: %s\n", reason);
    violated_ = true;
    spawner_.close();
    event_base_loopbreak(base_);
}

// ---- from the spawner -----------------------------------------------------------------------------------

void LogWriter::on_spawner_message(Received& received) {
    const Message& message = received.message;
    if (hello_ == (message.type == Msg::L_HELLO)) return violation("HELLO must come first, and once");
    switch (message.type) {
        case Msg::L_HELLO: return on_l_hello(message);
        case Msg::L_PEER: return on_l_peer(received);
        case Msg::STREAM: return on_stream(received);
        case Msg::LOGFILE: return on_logfile(received);
        case Msg::DRAIN: return on_drain(message);
        default: return violation("unexpected message");
    }
}

void LogWriter::on_l_hello(const Message& message) {
    auto body = message.as<HelloBody>();
    if (body.protocol != kProtocol) return violation("another protocol version");
    hello_ = true;
    main_log_.set_level(static_cast<Level>(body.loglevel));
}

void LogWriter::on_l_peer(Received& received) {
    if (received.message.as<PeerBody>().role != Role::Engine)
        return violation("a peer that is not the engine");
    UniqueFd fd = static_cast<UniqueFd&&>(received.fds[0]);
    if (engine_.is_open()) {
        // What the old engine still had to say comes before the new one's words.
        engine_.receive_all();
        if (engine_.is_open()) {
            engine_.close();
            engine_gone();
        }
    }
    engine_.open(static_cast<UniqueFd&&>(fd));
    if (events_lost_ > 0) {
        warn(std::to_string(events_lost_) + " events of program output were lost while there was no engine");
        events_lost_ = 0;
    }
}

bool LogWriter::sound(const StreamBody& body, const Received& received) const {
    if ((body.flags & ~kKnownFlags) != 0) return false;
    std::size_t fds =
        ((body.flags & kStreamPipe) != 0 ? 1u : 0u) + ((body.flags & kStreamFile) != 0 ? 1u : 0u);
    switch (body.kind) {
        case StreamKind::Stdout:
        case StreamKind::Stderr:
        case StreamKind::ListenerStdout:
            return body.slot < kMaxSlots && received.fd_count == fds &&
                   body.stream == stream_of(body.slot, body.kind == StreamKind::Stderr);
        case StreamKind::MainLog:
            return body.stream == kMainLogStream && received.fd_count == fds &&
                   (body.flags & kStreamPipe) == 0;
        case StreamKind::Console:
            return body.stream == kConsoleStream && received.fd_count == fds &&
                   (body.flags & kStreamPipe) == 0;
        case StreamKind::Syslog: return body.stream == kSyslogStream && received.fd_count == 1;
    }
    return false;
}

void LogWriter::on_stream(Received& received) {
    auto body = received.message.as<StreamBody>();
    if (!sound(body, received)) return violation("a stream that contradicts itself");
    if (body.kind == StreamKind::Syslog) return syslog_.open(static_cast<UniqueFd&&>(received.fds[0]));

    // The slot has a new child already; what is left of the old one's output goes out as far as it can.
    if (Stream* old = find(body.stream)) old->finish_now();
    std::size_t next = 0;
    UniqueFd pipe;
    UniqueFd file;
    if ((body.flags & kStreamPipe) != 0) pipe = static_cast<UniqueFd&&>(received.fds[next++]);
    if ((body.flags & kStreamFile) != 0) file = static_cast<UniqueFd&&>(received.fds[next]);
    auto stream = std::make_unique<Stream>(*this, body, received.message.serial, received.message.text(),
                                           static_cast<UniqueFd&&>(pipe), static_cast<UniqueFd&&>(file));
    if (body.kind == StreamKind::MainLog) main_log_.set_file(stream.get());
    if (body.kind == StreamKind::Console) main_log_.set_console(stream.get());
    streams_[body.stream] = static_cast<StreamPtr&&>(stream);
    reader_.on_file_replaced(body.stream);
}

void LogWriter::on_drain(const Message& message) {
    std::uint32_t slot = message.as<DrainBody>().slot;
    if (slot >= kMaxSlots) return violation("a slot out of range");
    drains_[slot] = message.serial;
    for (bool is_stderr : {false, true}) {
        Stream* stream = find(stream_of(slot, is_stderr));
        if (stream != nullptr && stream->serial() == message.serial) stream->drain();
    }
    check_drained(slot, message.serial);
}

// ---- from the engine ------------------------------------------------------------------------------------

void LogWriter::on_engine_message(const Message& message) {
    bool fine = true;
    switch (message.type) {
        case Msg::LINE: {
            Level level = message.as<LineBody>().level;
            fine = known_level(level);
            if (fine) main_log_.foreign_line(level, message.text(), line_age_ms(message.serial, wall_us()));
            break;
        }
        case Msg::APPEND: on_append(message); break;
        case Msg::READ: fine = reader_.on_read(message.serial, message.as<ReadBody>()); break;
        case Msg::CLEAR: fine = reader_.on_clear(message.serial, message.as<ClearBody>()); break;
        case Msg::FOLLOW: fine = reader_.on_follow(message.serial, message.as<FollowBody>()); break;
        case Msg::FOLLOW_MORE: reader_.on_follow_more(message.serial); break;
        case Msg::FOLLOW_END: reader_.on_follow_end(message.serial); break;
        case Msg::REOPEN_ALL: on_reopen_all(); break;
        case Msg::SYNC:
            engine_.send(Msg::DONE, message.serial, DoneBody{});
            break;  // the lines before are written
        default: fine = false;
    }
    if (!fine) on_violation(engine_, message_name(static_cast<std::uint16_t>(message.type)));
}

void LogWriter::on_append(const Message& message) {
    Stream* stream = find(message.as<AppendBody>().stream);
    // Bytes of a child whose stream is over come late, but are no fault of anybody's.
    if (stream == nullptr || stream->kind() != StreamKind::ListenerStdout ||
        stream->serial() != message.serial)
        return;
    stream->append(message.text());
}

void LogWriter::on_reopen_all() {
    if (!spawner_.is_open()) return;
    for (Stream* stream : all_streams()) {
        if (!stream->file().valid() || stream->file().special()) continue;
        ask_spawner({stream->number(), FileOp::Reopen, true, stream->serial(), 0});
    }
}

void LogWriter::engine_gone() {
    reader_.forget_all();
    engine_.forget(kRequestAnswers);
    on_room(engine_);
    if (ending_) end_step();
}

// ---- the end --------------------------------------------------------------------------------------------

void LogWriter::begin_end() {
    ending_ = true;
    end_deadline_ms_ = monotonic_ms() + kEngineEndMs;
    engine_.set_deaf(false);
    // No LOGFILE can come any more: what waits for one goes into the file that is there.
    for (Stream* stream : all_streams()) {
        stream->rotation().give_up();
        stream->go_on();
    }
    end_step();
}

// First the engine's last words, then what the pipes hold, then the main log, which may have to tell of
// losses.
void LogWriter::end_step() {
    if (engine_.is_open() && monotonic_ms() < end_deadline_ms_) {
        event_add(end_timer_.get(), &kEndStep);
        return;
    }
    if (engine_.is_open()) {
        engine_.receive_all();
        engine_.close();
    }
    bool late = monotonic_ms() >= end_deadline_ms_ + kWriteEndMs;
    bool programs = false;
    for (Stream* stream : all_streams()) {
        if (stream->kind() >= StreamKind::MainLog) continue;
        stream->drain();
        if (late) stream->finish_now();
        programs = programs || !stream->finished();
    }
    if (!programs) {
        for (Stream* stream : all_streams()) {
            stream->drain();
            if (late) stream->finish_now();
        }
    }
    if (streams_.empty() && (late || syslog_.idle())) {
        event_base_loopbreak(base_);
    } else {
        event_add(end_timer_.get(), &kEndStep);
    }
}

void LogWriter::on_end_timer(evutil_socket_t, short, void* self) {
    static_cast<LogWriter*>(self)->end_step();
}

}  // namespace reeve
