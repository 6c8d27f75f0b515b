// The calls of the front. See calls.hpp.
#include "daemon/engine/calls.hpp"

#include "daemon/engine/command_log.hpp"
#include "daemon/engine/describe.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {
namespace {

constexpr std::uint32_t kHistory = 1024;  // bytes of the end that a stream begins with

}  // namespace

Calls::Calls(Supervisor& supervisor, Surroundings& surroundings)
    : supervisor_(supervisor), methods_(supervisor, surroundings) {}

void Calls::on_call(Call call) {
    switch (call.kind) {
        case CallKind::Rpc:
        case CallKind::Page: return on_method(std::move(call));
        case CallKind::MainLogTail: {
            const EngineImage& image = supervisor_.newest().image();
            if (log_path(image, image.daemon().log).empty()) break;
            return on_tail(call.id, kMainLogStream);
        }
        case CallKind::LogTail: {
            if (call.args.size() != 2 || !call.args[0].is(Value::Kind::String) ||
                !call.args[1].is(Value::Kind::String)) {
                return supervisor_.front().reply_status(call.id, ReplyKind::ServerError);
            }
            const std::string& channel = call.args[1].as_string();
            MemberRef member = methods_.find_process(call.args[0].as_string());
            if (!member || (channel != "stdout" && channel != "stderr")) break;
            bool is_stderr = channel == "stderr";
            const ProcView& view = member->group().view(*member);
            if ((is_stderr ? view.err : view.out).kind == LogKind::None) break;
            return on_tail(call.id, stream_of(member->slot(), is_stderr));
        }
        case CallKind::Auth: break;
    }
    supervisor_.front().reply_status(call.id, ReplyKind::NotFound);
}

// ---- methods --------------------------------------------------------------------------------------------

void Calls::on_method(Call call) {
    Log& log = supervisor_.log();
    const std::string method = one_line(call.method);
    if (log.wants(Level::Trace)) log.line(Level::Trace, "XML-RPC method called: " + method + "()");
    // Only faults that come at once are told as such; what comes later counts as a success here.
    auto at_once = std::make_shared<bool>(true);
    auto answered = std::make_shared<bool>(false);
    std::uint32_t id = call.id;
    methods_.call(call.method, call.kind == CallKind::Page, call.args, origin_of(call),
                  [this, id, method, at_once, answered, edge = supervisor_.front().edge()](Outcome outcome) {
                      *answered = true;
                      if (edge == supervisor_.front().edge()) reply(id, method, std::move(outcome), *at_once);
                  });
    *at_once = false;
    if (!*answered && log.wants(Level::Trace)) {
        log.line(Level::Trace, "XML-RPC method " + method + "() returned successfully");
    }
}

void Calls::reply(std::uint32_t id, const std::string& method, Outcome outcome, bool at_once) {
    Log& log = supervisor_.log();
    FrontLink& front = supervisor_.front();
    if (auto* value = std::get_if<Value>(&outcome)) {
        if (at_once && log.wants(Level::Trace)) {
            log.line(Level::Trace, "XML-RPC method " + method + "() returned successfully");
        }
        front.reply_value(id, *value);
    } else if (auto* fault = std::get_if<Fault>(&outcome)) {
        if (at_once && log.wants(Level::Trace)) {
            log.line(Level::Trace, "XML-RPC method " + method + "() returned fault: [" +
                                       std::to_string(static_cast<int>(fault->code)) + "] " +
                                       one_line(fault->text));
        }
        front.reply_fault(id, static_cast<std::int32_t>(fault->code), fault->text);
    } else {
        log.line(Level::Critical,
                 "XML-RPC method " + method + "() failed: " + one_line(std::get<ServerError>(outcome).text));
        front.reply_status(id, ReplyKind::ServerError);
    }
}

// ---- streams --------------------------------------------------------------------------------------------

void Calls::on_tail(std::uint32_t id, std::uint32_t stream) {
    FrontLink& front = supervisor_.front();
    FollowCallbacks callbacks;
    callbacks.opened = [this, &front, id](const DoneBody& body) {
        auto it = streams_.find(id);
        if (it == streams_.end()) return;
        if (body.result == DoneResult::Ok) {
            it->second.open = true;
            front.stream_open(id, body.mtime);
        } else {
            streams_.erase(it);
            front.reply_status(id, ReplyKind::NotFound);
        }
    };
    callbacks.piece = [&front, id](std::string_view bytes) { front.stream_data(id, bytes); };
    callbacks.ended = [this, &front, id] {
        auto it = streams_.find(id);
        if (it == streams_.end()) return;
        bool open = it->second.open;
        streams_.erase(it);
        if (open) {
            front.stream_end(id);
        } else {
            front.reply_status(id, ReplyKind::NotFound);
        }
    };
    streams_[id] = {supervisor_.log().follow(stream, kHistory, std::move(callbacks))};
}

void Calls::on_pull(std::uint32_t id) {
    if (auto it = streams_.find(id); it != streams_.end()) supervisor_.log().follow_more(it->second.follow);
}

void Calls::on_cancel(std::uint32_t id) {
    auto it = streams_.find(id);
    if (it == streams_.end()) return;
    supervisor_.log().follow_end(it->second.follow);
    streams_.erase(it);
}

}  // namespace reeve
