// The log writer's requests. See from_log.hpp.
#include "spawner/from_log.hpp"

#include <fcntl.h>

#include <cerrno>

#include "spawner/child_end.hpp"
#include "spawner/logfile.hpp"
#include "spawner/loop.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

// The spawner writes its own lines to the main log, so it changes over as well.
FileResult do_main_log(State& state, FileOp op) {
    const SpawnerImage& image = state.table.boot();
    FileResult result = do_log_file(state, image, image.daemon().log, op, true);
    if (result.fd.valid() && op != FileOp::Read) {
        int own = ::fcntl(result.fd.get(), F_DUPFD_CLOEXEC, 3);
        if (own < 0) return result;  // better the old file than none
        state.main_log.reset(own);
        state.main_log_special = result.special;
    }
    return result;
}

const char* on_open(State& state, const Message& message) {
    auto body = message.as<OpenBody>();
    if (body.op > FileOp::Clear) return "sent OPEN with an unknown deed";
    FileResult result;
    result.error = ENOENT;  // of a stream whose group may just have been removed
    if (body.stream == kMainLogStream) {
        result = do_main_log(state, body.op);
    } else if (body.stream == kSyslogStream) {
        result.fd = connect_syslog();
        result.special = true;
        if (result.fd.valid()) result.error = 0;
    } else if (body.stream / 2 >= kMaxSlots) {
        return "sent OPEN of an unknown stream";
    } else {
        // The engine spoke of the slot first, if it is a new one; but that may still have to be read, into
        // the same buffer: message.body is over then.
        if (state.table.find(body.stream / 2) == nullptr) read_part(state, state.engine);
        if (Slot* slot = state.table.find(body.stream / 2))
            result = do_slot_log(state, *slot, body.stream % 2 == 1, body.op);
    }
    int fd = result.fd.get();
    LogfileBody answered{body.stream, body.op, result.error, result.special ? kStreamSpecial : 0};
    answer(state.log, Msg::LOGFILE, message.serial, answered, {&fd, fd >= 0 ? 1U : 0U});
    return nullptr;
}

const char* on_drained(State& state, const Message& message) {
    std::uint32_t number = message.as<DrainBody>().slot;
    if (number >= kMaxSlots) return "sent S_DRAINED of a slot beyond the table";
    Slot* slot = state.table.find(number);
    // The slot may have a new child, or be gone, when the word about the old one arrives.
    if (slot != nullptr && slot->serial == message.serial && slot->draining) child_drained(state, *slot);
    return nullptr;
}

}  // namespace

const char* on_log_message(State& state, const Message& message) {
    if (!state.log.may_speak) return "sent a message before it was told everything";
    switch (message.type) {
        case Msg::OPEN: return on_open(state, message);
        case Msg::S_DRAINED: return on_drained(state, message);
        default: return "sent a message that is not the log writer's";
    }
}

}  // namespace reeve
