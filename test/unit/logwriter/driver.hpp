// Speaks the spawner's and the engine's side of the channels to a real supervisor-log, which it starts. Files
// lie in a scratch directory, one for each stream, and OPEN is answered like the spawner does.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/channel.hpp"

namespace reeve::logtest {

// A message that the log writer sent, copied.
struct Sent {
    Msg type;
    std::uint32_t serial;
    std::string body;
    std::string tail;
    template <typename Body>
    Body as() const {
        Body out{};
        std::memcpy(&out, body.data(), std::min(sizeof out, body.size()));
        return out;
    }
};

struct StreamOptions {
    StreamKind kind = StreamKind::Stdout;
    std::uint32_t flags = 0;  // beyond Pipe and File
    std::int64_t maxbytes = 0;
    std::int32_t backups = 0;
    std::uint32_t capture_max = 0;
    bool file = true;
    int target = -1;        // instead of a file in the scratch directory
    std::string file_name;  // "" : "<stream>.log"
};

constexpr std::uint32_t kDriverPid = 4242;  // of every program that the driver pretends to have

class Driver {
  public:
    explicit Driver(Level loglevel = Level::Info);
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    std::string path(const std::string& name) const { return directory_ + "/" + name; }
    std::string text(const std::string& name) const;
    void put(const std::string& name, const std::string& text) const;
    pid_t pid() const { return pid_; }

    // SIGKILL, then a new one that gets every stream again.
    void kill_and_restart();
    // Closes the spawner's end (and the engine's), and gives the exit status; -1 if there is none in time.
    int finish();
    void new_engine();
    void drop_engine() { engine_.close(); }

    // The system logger, at first and when the log writer asks for it again: a datagram socket.
    void add_syslog(int socket);
    int next_syslog = -1;

    // A program's stream; write to write_end(slot, ...) as the program.
    void add_stream(std::uint32_t slot, std::uint32_t serial, const StreamOptions& options = {});
    void add_main_log(const StreamOptions& options = {});
    int write_end(std::uint32_t slot, bool is_stderr = false) {
        return writers_[stream_of(slot, is_stderr)].get();
    }
    int read_end(std::uint32_t slot, bool is_stderr = false) {
        return streams_[stream_of(slot, is_stderr)].pipe.get();
    }
    void write(std::uint32_t slot, std::string_view text, bool is_stderr = false);
    void close_write_end(std::uint32_t slot, bool is_stderr = false) {
        writers_.erase(stream_of(slot, is_stderr));
    }
    // Waits until all that the program has written is moved, and what comes of it (a rotation) has begun.
    void settle(std::uint32_t slot, bool is_stderr = false);
    void drain(std::uint32_t slot, std::uint32_t serial);
    // What open fails with for a stream and deed; 0: nothing.
    std::map<std::pair<std::uint32_t, FileOp>, int> failures;
    bool hold_opens = false;  // OPENs are kept until release_opens()
    void release_opens();

    template <typename Body>
    void to_log(Msg type, std::uint32_t serial, const Body& body, std::string_view tail = {}) {
        while (engine_.send(type, serial, body, as_bytes(tail)) == Send::Full) pump(10);
    }
    void line(Level level, std::string_view text) { to_log(Msg::LINE, 0, LineBody{level}, text); }

    // Receives for at most ms, answering OPENs; the first form until done() holds, and says whether it did.
    bool wait(const std::function<bool()>& done, int ms = 30'000);
    void pump(int ms);
    std::vector<Sent> from_log;    // on the engine's edge
    std::vector<Sent> to_spawner;  // all but OPEN
    int opens = 0;

    // All bytes of a request so far, and its DONE.
    std::string bytes(std::uint32_t serial) const;
    const Sent* find(Msg type, std::uint32_t serial) const;
    std::string read(std::uint32_t serial, std::uint32_t stream, ReadMode mode, std::int64_t offset,
                     std::int64_t length, DoneBody& done);

  private:
    struct Known {
        std::uint32_t serial = 0;
        std::uint32_t slot = 0;
        StreamOptions options;
        UniqueFd pipe;
        std::string file;
    };
    void start();
    void tell(std::uint32_t stream);
    UniqueFd open_file(std::uint32_t stream, FileOp op, int& error, bool& special);
    void answer_open(std::uint32_t serial, const OpenBody& body);
    bool take_one();

    std::string directory_;
    Level loglevel_;
    std::uint32_t next_sync_ = 1'000'000;  // beyond the numbers of the tests
    pid_t pid_ = -1;
    Channel spawner_;
    Channel engine_;
    std::unique_ptr<ReceiveBuffer> buffer_ = std::make_unique<ReceiveBuffer>();
    std::map<std::uint32_t, Known> streams_;
    std::map<std::uint32_t, UniqueFd> writers_;
    std::vector<std::pair<std::uint32_t, OpenBody>> held_;
};

}  // namespace reeve::logtest
