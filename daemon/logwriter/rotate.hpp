// When a log file is to be replaced, as explicit states. It decides; the spawner does it (message OPEN),
// since only it knows paths.
//
//   NORMAL --size >= maxbytes--> ASKED(Rotate) --LOGFILE, fd--> NORMAL
//   NORMAL --file unlinked-----> ASKED(Reopen) --LOGFILE, fd--> NORMAL
//   ASKED  --LOGFILE, error----> FAILED --5 s, still due--> ASKED(Reopen)
//   NORMAL --another stream rotates the same file--> WAITING --it is done--> ASKED(Reopen)
//
// In ASKED and WAITING the stream writes nothing: what a program says stays in its pipe. In FAILED the old
// file stays in use. A rotation that failed is not asked for again at once: its renames may have been done,
// and then a second one would push the oldest backup out for nothing. So the path is opened first, and only a
// file that is still too long is rotated again.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/messages.hpp"

namespace reeve {

class Rotation {
  public:
    static constexpr std::int64_t kRetryMs = 5000;

    explicit Rotation(std::int64_t maxbytes) : maxbytes_(maxbytes) {}

    bool limited() const { return maxbytes_ > 0; }
    bool paused() const { return state_ == State::Asked || state_ == State::Waiting; }
    bool waiting() const { return state_ == State::Waiting; }
    // Whether a Rotate (not just a Reopen) is under way.
    bool rotating() const { return state_ == State::Asked && asked_ == FileOp::Rotate; }

    // Before a write: what must be asked for first. vanished: the file has no name any more.
    std::optional<FileOp> before_write(bool vanished, std::int64_t now_ms);
    // After a write that made the file size bytes long: what must be asked for before the next one.
    std::optional<FileOp> after_write(std::int64_t size, std::int64_t now_ms);
    // Instead of asking for Rotate: another stream already did, for the same file.
    void wait() { state_ = State::Waiting; }
    // Asks for the path to be opened again, because another stream has replaced the file.
    void ask_reopen();
    // LOGFILE has come for an OPEN of this stream, asked for here or elsewhere.
    void answered(FileOp op, bool ok, std::int64_t now_ms);
    // No answer can come any more: the old file stays in use for good.
    void give_up();

  private:
    enum class State { Normal, Asked, Waiting, Failed, GivenUp };
    bool due(std::int64_t now_ms) const {
        return state_ == State::Normal || (state_ == State::Failed && now_ms >= retry_ms_);
    }

    std::int64_t maxbytes_;
    State state_ = State::Normal;
    FileOp asked_ = FileOp::Rotate;
    std::int64_t retry_ms_ = 0;
};

}  // namespace reeve
