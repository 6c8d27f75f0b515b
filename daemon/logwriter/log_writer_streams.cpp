// What streams and readers ask of the log writer: files from the spawner, news for the engine, lines for the
// main log. See log_writer.hpp.
#include <string.h>

#include <algorithm>
#include <cerrno>

#include "daemon/logwriter/log_writer.hpp"

namespace reeve {
namespace {

// Files that the spawner has still to open, beyond which the engine is not heard: it can ask for many by one
// message, and faster than they are opened.
constexpr std::size_t kMostOpenings = 4096;
constexpr std::size_t kCrowdedBytes = 1024 * 1024;  // queued for the engine; streams with events then wait
constexpr std::size_t kRoomBytes = 256 * 1024;
constexpr std::int64_t kWarnAgainMs = 60 * 1000;
constexpr int kChildSeverity = 6;  // info, as ever

// strerror() without its locale files, which nobody may open here.
std::string describe(int error) {
    const char* text = ::strerrordesc_np(error);
    return text != nullptr ? text : "error " + std::to_string(error);
}

std::string label(const Stream& stream) {
    if (stream.kind() == StreamKind::MainLog) return "the main log";
    if (stream.kind() == StreamKind::Console) return "supervisord's own stdout";
    return "'" + std::string(stream.name()) + "' " + std::string(stream.channel());
}

}  // namespace

// ---- streams --------------------------------------------------------------------------------------------

Stream* LogWriter::find(std::uint32_t stream) {
    auto found = streams_.find(stream);
    return found == streams_.end() ? nullptr : found->second.get();
}

// For loops whose body may end a stream: a finished one lives until the event loop's next turn.
std::vector<Stream*> LogWriter::all_streams() {
    std::vector<Stream*> all;
    all.reserve(streams_.size());
    for (auto& [number, stream] : streams_) all.push_back(stream.get());
    return all;
}

void LogWriter::on_finished(Stream& stream) {
    auto found = streams_.find(stream.number());
    if (found == streams_.end() || found->second.get() != &stream) return;
    if (stream.kind() == StreamKind::MainLog) main_log_.set_file(nullptr);
    if (stream.kind() == StreamKind::Console) main_log_.set_console(nullptr);
    finished_.push_back(static_cast<StreamPtr&&>(found->second));
    streams_.erase(found);
    event_active(cleanup_.get(), EV_TIMEOUT, 0);
    others_follow(stream, stream.file().id(), false);
    check_drained(stream.slot(), stream.serial());
    if (ending_) event_active(end_timer_.get(), EV_TIMEOUT, 0);
}

void LogWriter::on_cleanup(evutil_socket_t, short, void* self) {
    static_cast<LogWriter*>(self)->finished_.clear();
}

void LogWriter::check_drained(std::uint32_t slot, std::uint32_t serial) {
    auto drain = drains_.find(slot);
    if (drain == drains_.end() || drain->second != serial) return;
    for (bool is_stderr : {false, true}) {
        Stream* stream = find(stream_of(slot, is_stderr));
        if (stream != nullptr && stream->serial() == serial) return;
    }
    drains_.erase(drain);
    engine_.send(Msg::DRAINED, serial, DrainBody{slot});
    if (spawner_.is_open()) spawner_.send(Msg::S_DRAINED, serial, DrainBody{slot});
}

// ---- files ----------------------------------------------------------------------------------------------

void LogWriter::ask_spawner(const Opening& opening) {
    std::uint32_t serial = next_open_++;
    if (next_open_ == 0) next_open_ = 1;
    openings_[serial] = opening;
    spawner_.send(Msg::OPEN, serial, OpenBody{opening.stream, opening.op});
    if (openings_.size() > kMostOpenings) engine_.set_deaf(true);
}

void LogWriter::open_file(Stream& stream, FileOp op) {
    if (!spawner_.is_open()) return stream.rotation().give_up();
    if (op == FileOp::Rotate && (stream.flags() & kStreamShared) != 0) {
        for (auto& [number, other] : streams_) {
            if (other.get() == &stream || !other->rotation().rotating()) continue;
            if (other->file().id() == stream.file().id()) return stream.rotation().wait();
        }
    }
    ask_spawner({stream.number(), op, true, stream.serial(), 0});
}

void LogWriter::open_for_reader(std::uint32_t stream, FileOp op, std::uint64_t ticket) {
    if (spawner_.is_open()) ask_spawner({stream, op, false, 0, ticket});
}

void LogWriter::ask_for_syslog() {
    if (spawner_.is_open()) ask_spawner({kSyslogStream, FileOp::Reopen, false, 0, 0});
}

void LogWriter::on_logfile(Received& received) {
    const Message& message = received.message;
    auto body = message.as<LogfileBody>();
    auto found = openings_.find(message.serial);
    if (found == openings_.end()) return violation("a file that nobody asked for");
    Opening opening = found->second;
    openings_.erase(found);
    if (openings_.size() == kMostOpenings / 2) engine_.set_deaf(false);
    if (opening.stream != body.stream || opening.op != body.op) return violation("a file for something else");
    UniqueFd fd = static_cast<UniqueFd&&>(received.fds[0]);
    bool special = (body.flags & kStreamSpecial) != 0;
    if (body.error == 0 && !fd.valid() && !special) return violation("a success without a file");
    if (body.stream == kSyslogStream) {
        if (fd.valid()) syslog_.open(static_cast<UniqueFd&&>(fd));
        return;
    }

    Stream* stream = find(body.stream);
    if (opening.for_stream && (stream == nullptr || stream->serial() != opening.child)) return;
    if (opening.op == FileOp::Read) {
        return reader_.on_logfile(opening.ticket, opening.op, body.error, static_cast<UniqueFd&&>(fd),
                                  body.flags);
    }
    // A failed Clear is the client's news, and a cleared special file is still the same.
    bool adopt = opening.for_stream || (body.error == 0 && !special);
    if (stream != nullptr && adopt && (stream->file().valid() || !opening.for_stream)) {
        FileId old = stream->file().id();
        stream->on_logfile(opening.op, body.error, static_cast<UniqueFd&&>(fd), body.flags);
        if (opening.op != FileOp::Reopen) others_follow(*stream, old, body.error == 0);
    }
    if (body.error == 0) reader_.on_file_replaced(body.stream);
    if (!opening.for_stream)
        reader_.on_logfile(opening.ticket, opening.op, body.error, UniqueFd(), body.flags);
}

// Other streams that write the same file: they go to the new one, and those that waited for the rotation go
// on.
void LogWriter::others_follow(const Stream& stream, FileId old, bool replaced) {
    for (Stream* other : all_streams()) {
        if (other == &stream || (other->flags() & kStreamShared) == 0 || !(other->file().id() == old))
            continue;
        if (replaced || other->rotation().waiting()) other->follow_replacement();
    }
}

void LogWriter::on_open_failed(Stream& stream, FileOp op, int error) {
    std::int64_t now = monotonic_ms();
    auto [last, first] = warned_ms_.try_emplace(stream.number(), now);
    if (!first && now - last->second < kWarnAgainMs) return;
    last->second = now;
    warn("could not " + std::string(op == FileOp::Rotate ? "rotate" : "reopen") + " the log of " +
         label(stream) + ": " + describe(error));
}

void LogWriter::on_moved(std::size_t bytes, std::size_t capacity) {
    pace_.moved(bytes, capacity, monotonic_us());
}

void LogWriter::on_written(Stream& stream) { reader_.on_written(stream); }

// ---- news for the engine --------------------------------------------------------------------------------

bool LogWriter::engine_crowded() {
    if (engine_.is_open() && engine_.queued_bytes() > kCrowdedBytes) crowded_ = true;
    return crowded_;
}

void LogWriter::on_room(Link& link) {
    if (&link != &engine_) return;
    reader_.on_room();
    if (!crowded_ || (engine_.is_open() && engine_.queued_bytes() > kRoomBytes)) return;
    crowded_ = false;
    for (Stream* stream : all_streams()) stream->go_on();
}

void LogWriter::on_output(Stream& stream, std::string_view text) {
    // Without an engine nobody holds the programs up; what does not fit is counted.
    if (!engine_.is_open() && engine_.queued_bytes() > kCrowdedBytes) {
        ++events_lost_;
        return;
    }
    engine_.send(Msg::OUTPUT, stream.serial(), OutputBody{stream.number(), stream.pid()}, as_bytes(text));
}

void LogWriter::on_communication(Stream& stream, std::string_view text) {
    main_log_.line(Level::Debug, label(stream) + " emitted a comm event");
    if (!engine_.is_open() && engine_.queued_bytes() > kCrowdedBytes) {
        ++events_lost_;
        return;
    }
    for (bool first = true; first || !text.empty(); first = false) {
        std::string_view piece = text.substr(0, kMaxChunk);
        text.remove_prefix(piece.size());
        CommBody body{stream.number(), stream.pid(), text.empty() ? 1u : 0u, 0};
        engine_.send(Msg::COMM, stream.serial(), body, as_bytes(piece), !first);
    }
}

void LogWriter::on_lost(Stream& stream, std::uint64_t bytes, int error) {
    if (stream.kind() < StreamKind::MainLog) {
        engine_.send(Msg::LOST, stream.serial(), LostBody{stream.number(), 0, bytes});
    } else if (stream.kind() == StreamKind::Console && error == EPIPE) {
        return;  // whoever read our stdout has gone, and wants to know nothing
    }
    std::string what = std::to_string(bytes) + " bytes for " + label(stream) + " are lost: ";
    warn(what + (error == EAGAIN ? "its reader is too slow" : describe(error)));
}

// ---- lines ----------------------------------------------------------------------------------------------

void LogWriter::on_echo(Stream& stream, std::string_view text) {
    main_log_.echo(stream.name(), stream.channel(), text);
}

void LogWriter::on_syslog(Stream& stream, std::string_view text) {
    for_each_line(text, [&](std::string_view line) {
        std::string whole(stream.name());
        syslog_.send(kChildSeverity, whole.append(" ").append(line));
    });
    std::int64_t now = monotonic_ms();
    if (syslog_warned_ms_ != 0 && now - syslog_warned_ms_ < kWarnAgainMs) return;
    if (std::uint64_t dropped = syslog_.take_dropped(); dropped > 0) {
        syslog_warned_ms_ = now;
        warn(std::to_string(dropped) + " lines for the system logger are lost");
    }
}

}  // namespace reeve
