// The edge to the log writer. See log_link.hpp.
#include "daemon/engine/log_link.hpp"

#include <algorithm>

#include "common/base/log_line.hpp"

namespace reeve {

LogLink::LogLink(Loop& loop, LogNews& news)
    : loop_(loop),
      news_(news),
      link_(loop, Edge::EL, Edge::LE, *this),
      patience_(loop.make_timer([this] { settle(); })) {}

void LogLink::attach(UniqueFd fd) {
    link_.receive_rest();
    end_follows();
    settle();
    link_.attach(std::move(fd), [](Msg type) { return type == Msg::LINE || type == Msg::APPEND; });
    if (dropped_ > 0) {
        std::uint64_t lost = std::exchange(dropped_, 0);
        line(Level::Warn, std::to_string(lost) + " log lines were lost while the log writer was not there");
    }
    reading_ = 0;
    for (auto& [number, request] : requests_) {
        request.bytes.clear();
        request.too_long = false;
        send_request(number, request);
    }
}

void LogLink::line(Level level, std::string_view text) {
    if (!wants(level)) return;
    if (link_.queued_bytes() > kMaxQueued) {
        ++dropped_;
        return;
    }
    // It may take a while until the log writer reads it; the line bears the time when it was said.
    link_.send(Msg::LINE, line_stamp(loop_.wall_us()), LineBody{level}, text.substr(0, kMaxText));
    unsettled_ = true;
}

void LogLink::when_settled(std::function<void()> tell) {
    tell_settled_ = std::move(tell);
    unsettled_ = false;
    sync_ = next_number();
    link_.send(Msg::SYNC, sync_, Empty{});
    patience_->start(kPatience);
}

void LogLink::settle() {
    sync_ = 0;
    patience_->stop();
    if (auto tell = std::exchange(tell_settled_, nullptr)) tell();
}

void LogLink::append(std::uint32_t stream, std::uint32_t serial, std::string_view bytes) {
    if (link_.queued_bytes() > kMaxQueued) {
        ++dropped_;
        return;
    }
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), kMaxChunk))) {
        link_.send(Msg::APPEND, serial, AppendBody{stream, 0}, bytes.substr(0, kMaxChunk));
    }
}

std::uint32_t LogLink::next_number() {
    do {
        ++last_number_;
    } while (last_number_ == 0 || last_number_ == sync_ || requests_.count(last_number_) != 0 ||
             follows_.count(last_number_) != 0);
    return last_number_;
}

void LogLink::send_request(std::uint32_t number, const Request& request) {
    if (request.is_read) {
        link_.send(Msg::READ, number, request.read);
    } else {
        link_.send(Msg::CLEAR, number, request.clear);
    }
}

void LogLink::read(std::uint32_t stream, ReadMode mode, std::int64_t offset, std::int64_t length,
                   std::function<void(const DoneBody&, std::string)> done) {
    constexpr std::int64_t kTooLong = kMaxReading + 1;  // enough to fail; the rest need not be read
    if (mode == ReadMode::Read && offset >= 0 && (length == 0 || length > kTooLong)) length = kTooLong;
    std::uint32_t number = next_number();
    Request& request = requests_[number];
    request.is_read = true;
    request.read = {stream, mode, offset, length};
    request.done = std::move(done);
    if (connected()) send_request(number, request);
}

void LogLink::clear(std::uint32_t stream, std::function<void(const DoneBody&)> done) {
    std::uint32_t number = next_number();
    Request& request = requests_[number];
    request.clear = {stream, 0};
    request.done = [done = std::move(done)](const DoneBody& body, const std::string&) { done(body); };
    if (connected()) send_request(number, request);
}

std::uint32_t LogLink::follow(std::uint32_t stream, std::uint32_t history, FollowCallbacks callbacks) {
    std::uint32_t number = next_number();
    follows_[number] = std::move(callbacks);
    link_.send(Msg::FOLLOW, number, FollowBody{stream, history});
    return number;
}

void LogLink::follow_more(std::uint32_t number) {
    if (follows_.count(number) != 0) link_.send(Msg::FOLLOW_MORE, number, Empty{});
}

void LogLink::follow_end(std::uint32_t number) {
    if (follows_.erase(number) != 0 && connected()) link_.send(Msg::FOLLOW_END, number, Empty{});
}

void LogLink::end_follows() {
    auto follows = std::move(follows_);
    follows_.clear();
    for (auto& [number, callbacks] : follows) callbacks.ended();
}

const char* LogLink::on_bytes(std::uint32_t number, std::string_view bytes) {
    if (auto it = requests_.find(number); it != requests_.end() && it->second.is_read) {
        if (it->second.too_long) return nullptr;
        it->second.bytes += bytes;
        reading_ += bytes.size();
        if (reading_ > kMaxReading) give_up_longest();
    } else if (auto follow = follows_.find(number); follow != follows_.end()) {
        auto piece = follow->second.piece;  // a copy: it may end the follow
        piece(bytes);
    }
    return nullptr;  // else: of a follow that has just been ended here
}

void LogLink::give_up_longest() {
    auto longest =
        std::max_element(requests_.begin(), requests_.end(), [](const auto& one, const auto& other) {
            return one.second.bytes.size() < other.second.bytes.size();
        });
    reading_ -= longest->second.bytes.size();
    longest->second.bytes = std::string();
    longest->second.too_long = true;
}

const char* LogLink::on_done(std::uint32_t number, const DoneBody& body) {
    if (number == sync_ && number != 0) {
        settle();
        return nullptr;
    }
    if (auto it = requests_.find(number); it != requests_.end()) {
        Request request = std::move(it->second);
        requests_.erase(it);
        reading_ -= request.bytes.size();
        DoneBody told = body;
        if (request.too_long) told.result = DoneResult::Failed;
        request.done(told, std::move(request.bytes));
    } else if (auto follow = follows_.find(number); follow != follows_.end()) {
        if (body.result == DoneResult::Ok) {
            auto opened = follow->second.opened;
            opened(body);
        } else {
            FollowCallbacks callbacks = std::move(follow->second);
            follows_.erase(follow);
            callbacks.opened(body);
        }
    }
    return nullptr;
}

const char* LogLink::on_message(Received& received) {
    const Message& message = received.message;
    switch (message.type) {
        case Msg::OUTPUT: {
            auto body = message.as<OutputBody>();
            news_.on_output(body.stream, message.serial, body.pid, message.text());
            return nullptr;
        }
        case Msg::COMM: {
            auto body = message.as<CommBody>();
            news_.on_communication(body.stream, message.serial, body.pid, message.text(), body.last != 0);
            return nullptr;
        }
        case Msg::BYTES: return on_bytes(message.serial, message.text());
        case Msg::DONE: return on_done(message.serial, message.as<DoneBody>());
        case Msg::DRAINED: news_.on_drained(message.as<DrainBody>().slot, message.serial); return nullptr;
        case Msg::LOST: return nullptr;  // the log writer has said so itself
        default: return "a message that the log writer has no use for";
    }
}

void LogLink::on_closed(const char* violation) {
    end_follows();
    settle();
    if (violation != nullptr) {
        line(Level::Error, std::string("the log writer sent ") + violation + "; its edge is closed");
    }
}

}  // namespace reeve
