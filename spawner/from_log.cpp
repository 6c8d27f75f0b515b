// The log writer's requests. See from_log.hpp.
#include "spawner/from_log.hpp"

#include <fcntl.h>

#include <cerrno>

#include "spawner/child_end.hpp"
#include "spawner/logfile.hpp"
#include "spawner/say.hpp"

namespace reeve {
namespace {

FileResult none() {
    FileResult result;
    result.error = ENOENT;
    return result;
}

// The spawner writes its own lines to the main log, so it changes over as well.
FileResult open_main_log(State& state, FileOp op) {
    const SpawnerImage& image = state.table.boot();
    const LogRec& log = image.daemon().log;
    FileResult result = do_log_file(state, log, image.c_str(log.path), op, true, rule_holds(state, image));
    if (result.fd.valid() && op != FileOp::Read) {
        int own = ::fcntl(result.fd.get(), F_DUPFD_CLOEXEC, 3);
        if (own < 0) return result;  // better the old file than none
        state.main_log.reset(own);
        state.main_log_special = result.special;
    }
    return result;
}

FileResult open_child_log(State& state, std::uint32_t stream, FileOp op) {
    Slot* slot = state.table.find(stream / 2);
    if (slot == nullptr) return none();  // its group may just have been removed
    const SpawnerImage& image = state.table.image_of(*slot);
    const ProcRec& proc = image.proc(slot->proc);
    const LogRec& log = stream % 2 == 1 ? proc.err : proc.out;
    return do_log_file(state, log, image.c_str(log.path), op, (log.stream_flags & kStreamShared) != 0,
                       rule_holds(state, image));
}

const char* on_open(State& state, const Message& message) {
    auto body = message.as<OpenBody>();
    if (body.op > FileOp::Clear) return "sent OPEN with an unknown deed";
    FileResult result;
    if (body.stream == kMainLogStream) {
        result = open_main_log(state, body.op);
    } else if (body.stream == kSyslogStream) {
        result.fd = connect_syslog();
        result.special = true;
        if (!result.fd.valid()) result = none();
    } else if (body.stream / 2 < kMaxSlots) {
        result = open_child_log(state, body.stream, body.op);
    } else {
        return "sent OPEN of an unknown stream";
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
    if (slot == nullptr || slot->serial != message.serial || !slot->draining) return nullptr;
    child_drained(state, *slot);
    return nullptr;
}

}  // namespace

const char* on_log_message(State& state, const Message& message) {
    if (!state.log.may_speak()) return "sent a message before it was told everything";
    switch (message.type) {
        case Msg::OPEN: return on_open(state, message);
        case Msg::S_DRAINED: return on_drained(state, message);
        default: return "sent a message that is not the log writer's";
    }
}

}  // namespace reeve
