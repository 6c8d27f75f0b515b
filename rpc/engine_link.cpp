// Calls to the engine and their replies. See engine_link.hpp.
#include "rpc/engine_link.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "common/base/log_line.hpp"
#include "common/rpcproto/methods.hpp"

namespace reeve {
namespace {

constexpr std::int32_t kFaultFailed = 30;
constexpr std::string_view kRestarted =
    "FAILED: the engine of supervisord was restarted during the call, which may or may not have been carried "
    "out";
// No method has a longer name, so what is cut was unknown before.
constexpr std::size_t kMaxMethod = 1024;

std::int64_t monotonic_seconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

// Whether a call changes nothing, so that it may be made twice.
bool repeatable(CallKind kind, std::string_view method) {
    if (kind != CallKind::Rpc && kind != CallKind::Page) return true;
    const std::size_t dot = std::min(method.find('.'), method.size());
    const bool system = method.substr(0, dot) == "system";
    method.remove_prefix(std::min(dot + 1, method.size()));
    const MethodRow* row = find_method(system, method);
    return row != nullptr && only_reads(row->method);
}

bool is_stream(CallKind kind) { return kind == CallKind::LogTail || kind == CallKind::MainLogTail; }

}  // namespace

EngineLink::EngineLink(event_base* base)
    : base_(base),
      patience_(make_event<&EngineLink::on_patience>(base, -1, 0, this)),
      buffer_(std::make_unique<ReceiveBuffer>()) {}

void EngineLink::attach(UniqueFd fd) {
    if (channel_.open()) on_lost();
    channel_ = Channel(std::move(fd), Edge::RE, Edge::ER);
    readable_ = make_event<&EngineLink::on_readable>(base_, channel_.fd(), EV_READ | EV_PERSIST, this);
    writable_ = make_event<&EngineLink::flush>(base_, channel_.fd(), EV_WRITE, this);
    event_add(readable_.get(), nullptr);
    start_waiting();
}

std::uint32_t EngineLink::call(const Caller& caller, CallKind kind, std::string_view method, std::string args,
                               ReplyTarget& target) {
    do {
        ++last_id_;
    } while (last_id_ == 0 || open_.count(last_id_) != 0);
    const std::uint32_t id = last_id_;
    method = method.substr(0, kMaxMethod);

    Open& open = open_[id];
    open.target = &target;
    open.kind = kind;
    open.repeatable = repeatable(kind, method);
    open.body.listener = caller.listener;
    open.body.peer_uid = caller.peer_uid;
    open.body.args_size = static_cast<std::uint32_t>(args.size());
    open.body.kind = kind;
    open.body.credentials = caller.credentials;
    open.body.method_size = static_cast<std::uint16_t>(method.size());
    open.body.user_size = static_cast<std::uint16_t>(caller.user.size());
    open.body.password_size = static_cast<std::uint16_t>(caller.password.size());
    open.body.address_size = static_cast<std::uint16_t>(caller.address.size());
    open.head.append(method).append(caller.user).append(caller.password).append(caller.address);
    open.args = std::move(args);
    open.waits_until = monotonic_seconds() + kPatience;
    waiting_.push_back(id);
    start_waiting();
    return id;
}

// Sends the oldest waiting calls, as many as the engine has room for.
void EngineLink::start_waiting() {
    while (channel_.open() && sent_open_ < kMaxOpenCalls && !waiting_.empty()) {
        const std::uint32_t id = waiting_.front();
        waiting_.pop_front();
        const auto found = open_.find(id);
        if (found != open_.end()) start_call(id, found->second);
    }
    if (!channel_.open() && !waiting_.empty() && !event_pending(patience_.get(), EV_TIMEOUT, nullptr))
        start_timer(patience_, 1000);
}

void EngineLink::start_call(std::uint32_t id, Open& open) {
    open.sent = true;
    ++open.tries;
    ++sent_open_;
    std::string_view args = open.args;
    const std::size_t room = std::min(kMaxChunk - open.head.size(), args.size());
    std::string tail = open.head;
    tail.append(args.substr(0, room));
    args.remove_prefix(room);
    put({Msg::CALL, id, open.body, std::move(tail)});
    while (!args.empty()) {
        const std::size_t size = std::min<std::size_t>(kMaxChunk, args.size());
        put({Msg::CALL_MORE, id, {}, std::string(args.substr(0, size))});
        args.remove_prefix(size);
    }
    if (!open.repeatable) {  // passwords and arguments are kept no longer than needed
        open.head = std::string();
        open.args = std::string();
    }
}

void EngineLink::pull(std::uint32_t call) { put({Msg::PULL, call, {}, {}}); }

void EngineLink::abandon(std::uint32_t call) {
    const auto found = open_.find(call);
    if (found == open_.end()) return;
    Open& open = found->second;
    if (open.sent && !is_stream(open.kind)) {  // goes on; its reply will be dropped
        open.target = nullptr;
        open.partial = std::string();
        open.args = std::string();
        return;
    }
    if (open.sent) {
        put({Msg::CANCEL, call, {}, {}});
        --sent_open_;
    }
    open_.erase(found);
    start_waiting();
}

// Sends a message, or queues it behind those that could not be sent. If the engine is gone the message is
// lost; the end of the edge, which is read next, deals with the calls.
void EngineLink::put(Outgoing message) {
    if (!channel_.open()) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) flush();
}

void EngineLink::flush() {
    while (!queue_.empty()) {
        const Outgoing& next = queue_.front();
        const Send sent = next.type == Msg::CALL
                              ? channel_.send(next.type, next.serial, next.body, as_bytes(next.tail))
                              : channel_.send(next.type, next.serial, Empty{}, as_bytes(next.tail));
        if (sent == Send::Full || sent == Send::TooManyFds) {
            event_add(writable_.get(), nullptr);
            return;
        }
        queue_.pop_front();
    }
}

void EngineLink::on_readable() {
    Received received;
    for (int i = 0; i < kMessagesPerTurn && channel_.open(); ++i) {
        switch (channel_.receive(*buffer_, received)) {
            case Receive::Message: on_message(received.message); break;
            case Receive::Nothing: return;
            case Receive::Violation:
                write_line(STDERR_FILENO, Level::Error,
                           "supervisor-rpc: the engine sent what it must not send");
                on_lost();
                return;
            case Receive::End: on_lost(); return;
        }
    }
}

void EngineLink::drain() {
    Received received;
    while (channel_.open() && channel_.receive(*buffer_, received) == Receive::Message)
        on_message(received.message);
}

void EngineLink::on_message(const Message& message) {
    const auto found = open_.find(message.serial);
    if (found == open_.end() || !found->second.sent) return;  // cancelled meanwhile
    Open& open = found->second;
    const auto body = message.as<ReplyBody>();
    const bool stream = is_stream(open.kind);
    Reply reply;
    reply.kind = body.kind;
    reply.code = body.code;
    reply.mtime = body.mtime;
    bool fits = true;
    switch (body.kind) {
        case ReplyKind::Part:
        case ReplyKind::Value:
            fits = !stream;
            if (open.target != nullptr && open.partial.size() + message.tail.size() <= kMaxReply) {
                open.partial += message.text();
            } else if (open.target != nullptr) {
                ReplyTarget* target = std::exchange(open.target, nullptr);
                open.partial = std::string();
                target->on_reply(message.serial, Reply());
                return;
            }
            if (fits && body.kind == ReplyKind::Part) return;
            reply.data = std::move(open.partial);
            break;
        case ReplyKind::StreamOpen: fits = stream && !std::exchange(open.streaming, true); break;
        case ReplyKind::StreamData:
        case ReplyKind::StreamEnd:
            fits = open.streaming;
            reply.data = message.text();
            break;
        case ReplyKind::Fault:
        case ReplyKind::Unauthorized:
        case ReplyKind::BadRequest:
        case ReplyKind::ServerError:
        case ReplyKind::NotFound:
            fits = !open.streaming;
            reply.data = message.text();
            break;
        default: fits = false;
    }
    if (!fits) {
        write_line(STDERR_FILENO, Level::Error,
                   "supervisor-rpc: the engine sent a reply that does not fit its call");
        on_lost();
        return;
    }
    if (body.kind == ReplyKind::StreamOpen || body.kind == ReplyKind::StreamData) {
        if (open.target != nullptr) open.target->on_reply(message.serial, std::move(reply));
        return;
    }
    finish(message.serial, std::move(reply));
}

void EngineLink::finish(std::uint32_t id, Reply reply) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    ReplyTarget* target = found->second.target;
    if (found->second.sent) --sent_open_;
    open_.erase(found);
    if (target != nullptr) target->on_reply(id, std::move(reply));
    start_waiting();
}

void EngineLink::on_lost() {
    readable_.reset();
    writable_.reset();
    channel_.close();
    queue_.clear();
    std::vector<std::uint32_t> over;
    std::vector<std::uint32_t> again;
    for (auto& [id, open] : open_) {
        if (!open.sent) continue;
        const bool repeat = open.repeatable && !open.streaming && open.tries < kMaxTries;
        (open.target != nullptr && repeat ? again : over).push_back(id);
    }
    std::sort(again.begin(), again.end());
    for (const std::uint32_t id : again) {
        Open& open = open_[id];
        open.sent = false;
        open.partial = std::string();
        open.waits_until = monotonic_seconds() + kPatience;
    }
    waiting_.insert(waiting_.begin(), again.begin(), again.end());
    sent_open_ = over.size();  // each of them is taken off by finish()
    for (const std::uint32_t id : over) {
        const auto found = open_.find(id);
        if (found == open_.end()) continue;
        Reply reply;
        reply.kind = found->second.streaming ? ReplyKind::StreamEnd : ReplyKind::Fault;
        reply.code = kFaultFailed;
        reply.data = found->second.streaming ? "" : kRestarted;
        finish(id, std::move(reply));
    }
    start_waiting();
}

void EngineLink::on_patience() {
    const std::int64_t now = monotonic_seconds();
    std::vector<std::uint32_t> late;
    std::deque<std::uint32_t> still;
    for (const std::uint32_t id : waiting_) {
        const auto found = open_.find(id);
        if (found == open_.end()) continue;
        if (!channel_.open() && found->second.waits_until <= now) {
            late.push_back(id);
        } else {
            still.push_back(id);
        }
    }
    waiting_ = std::move(still);
    for (const std::uint32_t id : late) {
        Reply reply;
        reply.no_engine = true;
        finish(id, std::move(reply));
    }
    start_waiting();
}

}  // namespace reeve
