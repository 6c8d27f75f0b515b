// What clients read and clear: READ, CLEAR and FOLLOW of the engine. No path is opened here; the spawner
// opens the file of a stream for each request (message OPEN), whether its program runs or not.
//
// A follower keeps its own descriptor and position. It is told when this process has written the stream or
// its file was replaced, and looks once a second for what others write, as long as there is a follower at
// all. When the file is replaced it first delivers the rest of the old one; when it shrinks it goes on from
// 0.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"
#include "daemon/logwriter/links.hpp"
#include "daemon/logwriter/log_file.hpp"

namespace reeve {

class Stream;

// What the reader needs of the rest of the process.
class ReaderHub {
  public:
    virtual ~ReaderHub() = default;
    virtual Link& engine() = 0;
    // Scratch of kMaxChunk bytes, not the one that streams read into: a follower is served amid their work.
    virtual std::span<char> reader_buffer() = 0;
    // Asks the spawner; Reader::on_logfile() follows with the same ticket.
    virtual void open_for_reader(std::uint32_t stream, FileOp op, std::uint64_t ticket) = 0;
};

class Reader {
  public:
    Reader(event_base* base, ReaderHub& hub);

    // Requests of the engine. False, if it breaks the rules: the number is in use, the stream is none that can be
    // read, or too many requests are open.
    bool on_read(std::uint32_t serial, const ReadBody& body);
    bool on_clear(std::uint32_t serial, const ClearBody& body);
    bool on_follow(std::uint32_t serial, const FollowBody& body);
    // Unknown numbers are ignored: the request may just have ended.
    void on_follow_more(std::uint32_t serial);
    void on_follow_end(std::uint32_t serial);

    void on_logfile(std::uint64_t ticket, FileOp op, int error, UniqueFd fd, std::uint32_t flags);
    // The engine takes more again.
    void on_room();
    void on_written(const Stream& stream);
    void on_file_replaced(std::uint32_t stream);
    // The engine is gone, and its requests with it.
    void forget_all();

  private:
    struct Read {
        std::uint64_t ticket;
        ReadBody what;
        UniqueFd fd;
        std::int64_t offset = 0;
        std::int64_t left = 0;
        DoneBody done{};
    };
    struct Follower {
        std::uint64_t ticket;
        FollowBody what;
        UniqueFd fd;
        FileId id;
        std::int64_t offset = 0;
        bool wanted = false;    // a FOLLOW_MORE waits for bytes
        bool replaced = false;  // the path has another file by now
        bool opening = false;   // that file was asked for
    };
    struct Clear {
        std::uint64_t ticket;
    };

    static void on_tick(evutil_socket_t, short, void* self);
    bool in_use(std::uint32_t serial) const;
    void start_read(std::uint32_t serial, int error, UniqueFd fd);
    bool send_piece(std::uint32_t serial, Read& read);
    void start_follow(std::uint32_t serial, Follower& follower, int error, UniqueFd fd, std::uint32_t flags);
    void switch_file(Follower& follower, int error, UniqueFd fd);
    void step(std::uint32_t serial, Follower& follower);
    void done(std::uint32_t serial, DoneResult result, int error);

    ReaderHub& hub_;
    EventPtr tick_;
    std::uint64_t next_ticket_ = 1;
    std::map<std::uint32_t, Read> reads_;
    std::map<std::uint32_t, Follower> followers_;
    std::map<std::uint32_t, Clear> clears_;
};

}  // namespace reeve
