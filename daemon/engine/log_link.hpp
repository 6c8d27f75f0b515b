// The edge to the log writer: lines of the main log, raw output of listeners, and requests to read, empty and
// follow logs.
//
// The log writer may die at any time. Lines then wait here, up to a limit, and are counted beyond it; reading
// and emptying is asked for again when the next one is there; a followed log ends.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/engine/link.hpp"
#include "daemon/engine/runtime.hpp"

namespace reeve {

// What the log writer tells by itself. slot and pid are the child's.
class LogNews {
  public:
    virtual ~LogNews() = default;
    virtual void on_output(std::uint32_t stream, std::uint32_t serial, std::uint32_t pid,
                           std::string_view bytes) = 0;
    virtual void on_communication(std::uint32_t stream, std::uint32_t serial, std::uint32_t pid,
                                  std::string_view bytes, bool last) = 0;
    virtual void on_drained(std::uint32_t slot, std::uint32_t serial) = 0;
};

struct FollowCallbacks {
    std::function<void(const DoneBody&)> opened;  // Ok, or why not: then it is over
    std::function<void(std::string_view)> piece;  // the answer to follow_more()
    std::function<void()> ended;
};

class LogLink : public Log, private LinkHandler {
  public:
    static constexpr std::size_t kMaxQueued = 4 * 1024 * 1024;  // bytes of lines and output that wait
    // Of all logs that are being read. Beyond, the longest reading fails: logs may be of any size, the memory
    // of this process may not.
    static constexpr std::size_t kMaxReading = 256 * 1024 * 1024;

    static constexpr std::uint64_t kPatience = 100'000;  // microseconds that SYNC may take

    LogLink(Loop& loop, LogNews& news);

    void set_level(Level level) { level_ = level; }
    void attach(UniqueFd fd);
    bool connected() const { return link_.connected(); }

    bool wants(Level level) const override { return level >= level_; }
    void line(Level level, std::string_view text) override;
    bool settled() const override { return !connected() || (!unsettled_ && sync_ == 0); }
    void when_settled(std::function<void()> tell) override;

    // What a listener wrote to its stdout, for its log.
    void append(std::uint32_t stream, std::uint32_t serial, std::string_view bytes);
    void reopen_all() { link_.send(Msg::REOPEN_ALL, 0, Empty{}); }

    // done: the result, and the bytes read.
    void read(std::uint32_t stream, ReadMode mode, std::int64_t offset, std::int64_t length,
              std::function<void(const DoneBody&, std::string)> done);
    void clear(std::uint32_t stream, std::function<void(const DoneBody&)> done);

    // Returns the follow's number for the other two.
    std::uint32_t follow(std::uint32_t stream, std::uint32_t history, FollowCallbacks callbacks);
    void follow_more(std::uint32_t number);
    void follow_end(std::uint32_t number);

  private:
    struct Request {
        bool is_read = false;
        ReadBody read{};
        ClearBody clear{};
        std::string bytes;
        bool too_long = false;  // no more of it is kept
        std::function<void(const DoneBody&, std::string)> done;
    };

    const char* on_message(Received& received) override;
    void on_closed(const char* violation) override;
    const char* on_bytes(std::uint32_t number, std::string_view bytes);
    const char* on_done(std::uint32_t number, const DoneBody& body);
    void send_request(std::uint32_t number, const Request& request);
    void give_up_longest();
    void end_follows();
    void settle();
    std::uint32_t next_number();

    Loop& loop_;
    LogNews& news_;
    Link link_;
    Level level_ = Level::Info;
    std::uint64_t dropped_ = 0;  // lines
    bool unsettled_ = false;     // a line was sent after the last SYNC
    std::uint32_t sync_ = 0;     // number of the SYNC that is not answered yet, or 0
    std::function<void()> tell_settled_;
    std::unique_ptr<Timer> patience_;
    std::uint32_t last_number_ = 0;
    std::map<std::uint32_t, Request> requests_;
    std::size_t reading_ = 0;  // bytes that they have read
    std::map<std::uint32_t, FollowCallbacks> follows_;
};

}  // namespace reeve
