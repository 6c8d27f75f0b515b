// One log stream: a pipe and/or a file, with everything that happens to bytes on the way between them.
//
// Plain streams (nothing needs to look at the bytes) go from pipe to file by splice(2), so that a SIGKILL of
// this process at any moment neither loses nor doubles a byte: what was moved is in the file, the rest still
// in the pipe, of which the spawner keeps an end. Other streams are read, and each read is one record: one
// rotation check, one event, one echo. What a crash can cost them is one chunk and what capture mode holds
// back.
//
//   FLOWING --ENOSPC, EIO, EAGAIN ...--> STALLED (nothing is read, the pipe fills) --1 s--> DROPPING (what
//   cannot be written is counted and gone, so that the program goes on) --a write succeeds--> FLOWING
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/messages.hpp"
#include "daemon/logwriter/ansi.hpp"
#include "daemon/logwriter/capture.hpp"
#include "daemon/logwriter/links.hpp"
#include "daemon/logwriter/log_file.hpp"
#include "daemon/logwriter/rotate.hpp"

namespace reeve {

class Stream;

// What a stream needs of the rest of the process.
class StreamHub {
  public:
    virtual ~StreamHub() = default;
    virtual event_base* base() = 0;
    virtual PipeRelay& relay() = 0;
    // Scratch for one read, kMaxChunk bytes.
    virtual std::span<char> chunk_buffer() = 0;
    // Whether child output is repeated in the main log (loglevel debug and below).
    virtual bool echoes() = 0;
    // Whether the engine has enough to do; streams with events then wait.
    virtual bool engine_crowded() = 0;
    // Asks the spawner; Stream::on_logfile() follows.
    virtual void open_file(Stream& stream, FileOp op) = 0;
    virtual void on_output(Stream& stream, std::string_view text) = 0;
    virtual void on_communication(Stream& stream, std::string_view text) = 0;
    virtual void on_echo(Stream& stream, std::string_view text) = 0;
    virtual void on_syslog(Stream& stream, std::string_view text) = 0;
    // So many bytes were taken out of a pipe that can hold `capacity`.
    virtual void on_moved(std::size_t bytes, std::size_t capacity) = 0;
    // How many pipes have been made larger, of which the system allows a user only some.
    virtual std::size_t& large_pipes() = 0;
    // Bytes have reached the file.
    virtual void on_written(Stream& stream) = 0;
    // A target could not take these bytes.
    virtual void on_lost(Stream& stream, std::uint64_t bytes, int error) = 0;
    // OPEN has failed; the old file stays in use.
    virtual void on_open_failed(Stream& stream, FileOp op, int error) = 0;
    // DRAIN is done. The stream must not be destroyed before this call has returned to the event loop.
    virtual void on_finished(Stream& stream) = 0;
};

class Stream final : private CaptureSink {
  public:
    // file may be invalid (output is only looked at), pipe too (the engine sends the bytes).
    Stream(StreamHub& hub, const StreamBody& what, std::uint32_t serial, std::string_view name, UniqueFd pipe,
           UniqueFd file);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    std::uint32_t number() const { return what_.stream; }
    std::uint32_t slot() const { return what_.slot; }
    std::uint32_t serial() const { return serial_; }
    std::uint32_t pid() const { return what_.pid; }
    StreamKind kind() const { return what_.kind; }
    std::uint32_t flags() const { return what_.flags; }
    std::string_view name() const { return name_; }
    // "stdout" or "stderr".
    std::string_view channel() const { return what_.kind == StreamKind::Stderr ? "stderr" : "stdout"; }
    const LogFile& file() const { return file_; }
    Rotation& rotation() { return rotation_; }
    bool draining() const { return draining_; }
    bool finished() const { return finished_; }

    // Bytes that did not come through the pipe: an event listener's stdout, as it came.
    void append(std::string_view bytes);
    // One record for the file, as it is.
    void log(std::string_view record);

    void on_logfile(FileOp op, int error, UniqueFd fd, std::uint32_t flags);
    // Another stream has replaced the file that both write: open the path again.
    void follow_replacement();
    // Writes what the pipe holds at this moment, then closes everything; on_finished() follows, if not at
    // once.
    void drain();
    // The same without waiting for anything: what cannot be written now is lost.
    void finish_now();
    // Something that held it up may have changed.
    void go_on();

  private:
    enum class Flow { Flowing, Stalled, Dropping };
    static void on_readable(evutil_socket_t, short, void* self);
    static void on_retry(evutil_socket_t, short, void* self);
    static void on_report(evutil_socket_t, short, void* self);

    void on_text(std::string_view text, bool captured) override;
    void on_token(bool captured) override;

    void open_target(UniqueFd fd, bool special);
    bool may_read() const;
    void update();
    void move_some();
    void enlarge_pipe();
    // Each answers how many bytes it has taken out of the pipe.
    std::size_t move_piece();
    std::size_t splice_piece(std::size_t most);
    std::size_t read_piece(std::size_t most);
    std::size_t discard_piece(std::size_t most, int error);
    void consumed(std::size_t bytes);
    void close_pipe();
    void move_rest();
    void process(std::string_view chunk);
    void pass_on(std::string_view text, bool captured);
    bool flush();
    std::size_t write_record(std::string_view text);
    bool ready_to_write();
    void wrote(std::size_t bytes);
    void check_rotation();
    bool must_drop(int error);
    void lose(std::uint64_t bytes, int error);
    void report_lost();
    void maybe_finish();

    StreamHub& hub_;
    StreamBody what_;
    std::uint32_t serial_;
    std::string name_;
    UniqueFd pipe_;
    LogFile file_;
    Rotation rotation_;
    bool plain_;            // nothing looks at the bytes
    bool reading_ = false;  // readable_ is added
    bool draining_ = false;
    bool finished_ = false;
    bool last_chance_ = false;  // finish_now(): nothing is waited for
    std::size_t capacity_ = 0;  // of the pipe
    unsigned full_turns_ = 0;   // in which the pipe was found full
    bool enlarged_ = false;
    std::size_t budget_;  // bytes that may still be read from the pipe (draining)
    EventPtr readable_;
    EventPtr room_;  // the special target takes bytes again
    EventPtr retry_;
    EventPtr report_;

    std::deque<std::string> pending_;  // records that wait for the file
    std::size_t pending_bytes_ = 0;    // of all records, written parts included
    std::size_t written_ = 0;          // bytes of the first record that are in the file
    Flow flow_ = Flow::Flowing;
    std::int64_t stalled_ms_ = 0;
    std::uint64_t lost_ = 0;
    int lost_error_ = 0;
    std::int64_t reported_ms_ = 0;

    AnsiStripper outside_, inside_;  // of the tokens
    CaptureScanner scanner_;
    CaptureBuffer captured_;
    std::string stripped_;
};

}  // namespace reeve
