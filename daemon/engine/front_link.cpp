// The edge to the front, and the calls that come in on it. See front_link.hpp; replies are in
// front_replies.cpp.
#include "daemon/engine/front_link.hpp"

#include <optional>
#include <utility>

namespace reeve {

namespace {

bool known(CallKind kind) { return kind >= CallKind::Rpc && kind <= CallKind::Page; }

}  // namespace

FrontLink::FrontLink(Loop& loop, Log& log, const Auth& auth, CallHandler& handler)
    : loop_(loop),
      log_(log),
      auth_(auth),
      handler_(handler),
      buffer_(std::make_unique<ReceiveBuffer>()),
      failure_timer_(loop.make_timer([this] { on_failures_due(); })) {}

FrontLink::~FrontLink() = default;

// ---- the edge -------------------------------------------------------------------------------------------

void FrontLink::attach(UniqueFd fd) {
    disconnect();
    ++edge_;
    channel_ = Channel(std::move(fd), Edge::ER, Edge::RE);
    watch_ = loop_.make_watch(channel_.fd(),
                              [this](bool readable, bool writable) { on_ready(readable, writable); });
    update_watch();
}

void FrontLink::disconnect() {
    watch_.reset();
    channel_.close();
    queue_.clear();
    queued_bytes_ = 0;
    assembling_ = 0;
    std::vector<std::uint32_t> cancelled;
    for (const auto& [id, request] : requests_) {
        if (request.phase == Phase::Called || request.phase == Phase::Streaming) cancelled.push_back(id);
    }
    requests_.clear();
    for (std::uint32_t id : cancelled) handler_.on_cancel(id);
}

void FrontLink::on_ready(bool readable, bool writable) {
    if (writable) flush();
    if (readable) {
        Received received;
        for (int i = 0; i < kMessagesPerTurn && queued_bytes_ <= kMaxQueued; ++i) {
            Receive result = channel_.receive(*buffer_, received);
            if (result == Receive::Nothing) break;
            if (result == Receive::End) return disconnect();
            const char* wrong = result == Receive::Message ? on_message(received.message) : channel_.reason();
            if (wrong != nullptr) {
                log_.line(Level::Error, std::string("supervisor-rpc broke the rules of its connection (") +
                                            wrong + "); the connection is closed");
                return disconnect();
            }
        }
    }
    update_watch();
}

void FrontLink::update_watch() {
    // Who does not take its replies is not heard any further.
    if (watch_ != nullptr) watch_->want(queued_bytes_ <= kMaxQueued, !queue_.empty() && !waiting_);
}

// ---- calls ----------------------------------------------------------------------------------------------

// What is wrong with the message, or nullptr.
const char* FrontLink::on_message(const Message& message) {
    switch (message.type) {
        case Msg::CALL: return on_call_message(message);
        case Msg::CALL_MORE: return on_call_more(message);
        case Msg::PULL: return on_pull_message(message);
        case Msg::CANCEL: on_cancel_message(message); return nullptr;
        default: return "unexpected message";
    }
}

const char* FrontLink::on_call_message(const Message& message) {
    CallBody body = message.as<CallBody>();
    std::string_view tail = message.text();
    if (!known(body.kind)) return "unknown kind of call";
    if (body.credentials > Credentials::OtherScheme) return "unknown kind of credentials";
    if (body.listener >= auth_.server_count()) return "unknown listener";
    if (body.args_size > kMaxArgs) return "arguments too long";
    if (requests_.size() >= kMaxOpenCalls) return "too many open requests";
    if (requests_.count(message.serial) != 0) return "request number in use";
    if (body.credentials != Credentials::Basic && body.user_size + body.password_size != 0) {
        return "user name without credentials";
    }
    std::size_t texts =
        std::size_t{body.method_size} + body.user_size + body.password_size + body.address_size;
    if (texts > tail.size()) return "texts longer than the message";
    if (tail.size() - texts > body.args_size) return "more arguments than announced";
    if (assembling_ + body.args_size > kMaxAssembling) return "too many calls under way";

    auto take = [&tail](std::size_t size) {
        std::string_view piece = tail.substr(0, size);
        tail.remove_prefix(size);
        return piece;
    };
    Request request;
    request.call.id = message.serial;
    request.call.kind = body.kind;
    request.call.listener = body.listener;
    request.call.peer_uid = body.peer_uid;
    request.call.method = take(body.method_size);
    std::string_view user = take(body.user_size);
    std::string_view password = take(body.password_size);
    request.call.address = take(body.address_size);
    request.args_size = body.args_size;
    request.received = static_cast<std::uint32_t>(tail.size());
    request.auth = authenticate(body, message.serial, user, password);
    if (!auth_.open(body.listener)) request.call.user = user;
    if (request.auth == AuthResult::Ok) request.args = tail;
    assembling_ += body.args_size;
    requests_.emplace(message.serial, std::move(request));
    return complete(message.serial);
}

AuthResult FrontLink::authenticate(const CallBody& body, std::uint32_t id, std::string_view user,
                                   std::string_view password) {
    bool guess = body.credentials == Credentials::Basic && !auth_.open(body.listener);
    auto waiting = failures_of_.find(body.listener);
    if (guess && waiting != failures_of_.end() && waiting->second >= kMaxFailures)
        return AuthResult::ServerError;
    AuthResult result = auth_.check(body.listener, body.credentials, user, password);
    if (result == AuthResult::Wrong) {
        failures_.push_back({loop_.monotonic_us() + kFailureDelay, id, edge_, body.listener});
        ++failures_of_[body.listener];
        if (failures_.size() == 1) start_failure_timer();
    }
    return result;
}

const char* FrontLink::on_call_more(const Message& message) {
    auto found = requests_.find(message.serial);
    if (found == requests_.end() || found->second.phase != Phase::Assembling)
        return "arguments for no open call";
    Request& request = found->second;
    std::string_view piece = message.text();
    if (piece.empty() || piece.size() > request.args_size - request.received)
        return "more arguments than announced";
    request.received += static_cast<std::uint32_t>(piece.size());
    if (request.auth == AuthResult::Ok) request.args += piece;
    return complete(message.serial);
}

// Acts on a request if all its arguments have come.
const char* FrontLink::complete(std::uint32_t id) {
    Request& request = requests_.find(id)->second;
    if (request.received < request.args_size) return nullptr;
    assembling_ -= request.args_size;
    request.phase = Phase::Called;
    switch (request.auth) {
        case AuthResult::Ok: break;
        case AuthResult::Missing: reply_status(id, ReplyKind::Unauthorized); return nullptr;
        case AuthResult::BadRequest: reply_status(id, ReplyKind::BadRequest); return nullptr;
        case AuthResult::ServerError: reply_status(id, ReplyKind::ServerError); return nullptr;
        case AuthResult::Wrong:
            if (request.delay_over) {
                reply_status(id, ReplyKind::Unauthorized);
            } else {
                request.phase = Phase::Delayed;
            }
            return nullptr;
    }
    if (!request.args.empty()) {
        std::optional<Value> args = decode(request.args);
        if (!args || !args->is(Value::Kind::Array)) return "arguments that cannot be decoded";
        request.call.args = std::move(args->items());
        std::string().swap(request.args);
    }
    if (request.call.kind == CallKind::Auth) {
        reply_value(id, Value::boolean(true));
    } else {
        handler_.on_call(std::move(request.call));
    }
    return nullptr;
}

const char* FrontLink::on_pull_message(const Message& message) {
    auto found = requests_.find(message.serial);
    if (found == requests_.end()) return nullptr;  // it has crossed our last reply
    if (found->second.phase != Phase::Streaming) return "a pull on a request that is no stream";
    if (std::exchange(found->second.pulled, true)) return "a pull before the last one was answered";
    handler_.on_pull(message.serial);
    return nullptr;
}

void FrontLink::on_cancel_message(const Message& message) {
    auto found = requests_.find(message.serial);
    if (found == requests_.end()) return;  // it has crossed our last reply
    Phase phase = found->second.phase;
    if (phase == Phase::Assembling) assembling_ -= found->second.args_size;
    requests_.erase(found);
    std::erase_if(queue_, [&](const Queued& one) {
        if (one.id != message.serial) return false;
        queued_bytes_ -= one.cost();
        return true;
    });
    if (phase == Phase::Called || phase == Phase::Streaming) handler_.on_cancel(message.serial);
}

void FrontLink::start_failure_timer() {
    std::uint64_t now = loop_.monotonic_us();
    std::uint64_t due = failures_.front().due;
    failure_timer_->start(due > now ? due - now : 0);
}

void FrontLink::on_failures_due() {
    std::uint64_t now = loop_.monotonic_us();
    while (!failures_.empty() && failures_.front().due <= now) {
        Failure failure = failures_.front();
        failures_.pop_front();
        auto waiting = failures_of_.find(failure.server);
        if (--waiting->second == 0) failures_of_.erase(waiting);
        if (failure.edge != edge_) continue;
        auto found = requests_.find(failure.id);
        if (found == requests_.end() || found->second.auth != AuthResult::Wrong) continue;
        if (found->second.phase == Phase::Delayed) {
            reply_status(failure.id, ReplyKind::Unauthorized);
        } else {
            found->second.delay_over = true;
        }
    }
    if (!failures_.empty()) start_failure_timer();
}

}  // namespace reeve
