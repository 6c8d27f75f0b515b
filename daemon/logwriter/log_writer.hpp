// The log writer as a whole: its two links, its streams, and who hears of what.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/messages.hpp"
#include "daemon/logwriter/links.hpp"
#include "daemon/logwriter/main_log.hpp"
#include "daemon/logwriter/pace.hpp"
#include "daemon/logwriter/reader.hpp"
#include "daemon/logwriter/stream.hpp"
#include "daemon/logwriter/syslog.hpp"

namespace reeve {

class LogWriter final : public LinkOwner, public StreamHub, public ReaderHub {
  public:
    // spawner: the channel to the spawner. relay: made before the sandbox was entered.
    LogWriter(event_base* base, UniqueFd spawner, PipeRelay relay);
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    // Returns the exit status: 0 after the spawner has closed its end, 70 after a violation of its.
    int run();

  private:
    // Who waits for a LOGFILE.
    struct Opening {
        std::uint32_t stream;
        FileOp op;
        bool for_stream;       // a stream's own wish (Rotate, Reopen)
        std::uint32_t child;   // the stream's serial then
        std::uint64_t ticket;  // the reader's
    };
    using StreamPtr = std::unique_ptr<Stream>;

    void on_message(Link& link, Received& received) override;
    void on_end(Link& link) override;
    void on_violation(Link& link, const char* reason) override;
    void on_room(Link& link) override;

    // spawner
    void on_spawner_message(Received& received);
    void on_l_hello(const Message& message);
    void on_l_peer(Received& received);
    void on_stream(Received& received);
    void on_logfile(Received& received);
    void on_drain(const Message& message);
    // engine
    void on_engine_message(const Message& message);
    void on_append(const Message& message);
    void on_reopen_all();
    void engine_gone();

    event_base* base() override { return base_; }
    PipeRelay& relay() override { return relay_; }
    std::span<char> chunk_buffer() override { return *chunk_buffer_; }
    bool echoes() override { return main_log_.wants(Level::Debug); }
    bool engine_crowded() override;
    void open_file(Stream& stream, FileOp op) override;
    void on_output(Stream& stream, std::string_view text) override;
    void on_communication(Stream& stream, std::string_view text) override;
    void on_echo(Stream& stream, std::string_view text) override;
    void on_syslog(Stream& stream, std::string_view text) override;
    void on_moved(std::size_t bytes, std::size_t capacity) override;
    std::size_t& large_pipes() override { return large_pipes_; }
    void on_written(Stream& stream) override;
    void on_lost(Stream& stream, std::uint64_t bytes, int error) override;
    void on_open_failed(Stream& stream, FileOp op, int error) override;
    void on_finished(Stream& stream) override;

    Link& engine() override { return engine_; }
    std::span<char> reader_buffer() override { return *reader_buffer_; }
    void open_for_reader(std::uint32_t stream, FileOp op, std::uint64_t ticket) override;

    Stream* find(std::uint32_t stream);
    void ask_spawner(const Opening& opening);
    void ask_for_syslog();
    void violation(const char* reason);
    bool sound(const StreamBody& body, const Received& received) const;
    void others_follow(const Stream& stream, FileId old, bool replaced);
    void send_pieces(Msg type, Stream& stream, std::string_view text);
    void check_drained(std::uint32_t slot, std::uint32_t serial);
    void warn(std::string_view text) { main_log_.line(Level::Warn, text); }
    void let_pipes_fill();
    void begin_end();
    void end_step();
    std::vector<Stream*> all_streams();
    static void on_cleanup(evutil_socket_t, short, void* self);
    static void on_end_timer(evutil_socket_t, short, void* self);

    event_base* base_;
    PipeRelay relay_;
    std::unique_ptr<ReceiveBuffer> receive_buffer_;
    std::unique_ptr<std::array<char, kMaxChunk>> chunk_buffer_;
    std::unique_ptr<std::array<char, kMaxChunk>> reader_buffer_;
    Link spawner_;
    Link engine_;
    Syslog syslog_;
    MainLog main_log_;
    Reader reader_;
    EventPtr cleanup_;  // destroys finished streams, outside of their own handlers
    EventPtr end_timer_;

    std::unordered_map<std::uint32_t, StreamPtr> streams_;  // by stream number
    std::vector<StreamPtr> finished_;
    std::unordered_map<std::uint32_t, Opening> openings_;        // by serial of OPEN
    std::unordered_map<std::uint32_t, std::int64_t> warned_ms_;  // by stream: the last WARN about opening
    std::unordered_map<std::uint32_t, std::uint32_t> drains_;  // by slot: serial of a DRAIN not answered yet
    std::uint32_t next_open_ = 1;
    Pace pace_;
    std::size_t large_pipes_ = 0;
    std::int64_t syslog_warned_ms_ = 0;
    std::int64_t end_deadline_ms_ = 0;
    std::uint64_t events_lost_ = 0;
    bool crowded_ = false;
    bool hello_ = false;
    bool ending_ = false;
    bool violated_ = false;
};

}  // namespace reeve
