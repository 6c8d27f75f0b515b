// A client's connection. See connection.hpp.
#include "rpc/connection.hpp"

#include <event2/buffer.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

#include "rpc/credentials.hpp"

namespace reeve {
namespace {

constexpr std::size_t kReadAhead = 16 * 1024;  // bytes of the next requests, while one is being answered
constexpr int kLingerMs = 1000;
constexpr int kWriteSeconds = 120;  // without any progress in sending an answer

}  // namespace

std::uint64_t monotonic_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

Connection::Connection(event_base* base, UniqueFd fd, const Endpoint& endpoint,
                       const ConnectionLimits& limits, Caller caller, ConnectionOwner& owner)
    : owner_(owner),
      endpoint_(endpoint),
      limits_(limits),
      parser_(limits.http),
      caller_(std::move(caller)),
      last_used_(monotonic_us()),
      deadline_(make_event<&Connection::on_deadline>(base, -1, 0, this)),
      resume_(make_event<&Connection::on_resume>(base, -1, 0, this)) {
    bev_.reset(bufferevent_socket_new(base, fd.get(), BEV_OPT_CLOSE_ON_FREE));
    if (bev_ == nullptr) throw std::bad_alloc();
    fd.release();
    bufferevent_setcb(
        bev_.get(),
        [](bufferevent*, void* self) { guarded([&] { static_cast<Connection*>(self)->on_read(); }); },
        [](bufferevent*, void* self) { guarded([&] { static_cast<Connection*>(self)->on_written(); }); },
        [](bufferevent*, short what, void* self) {
            guarded([&] { static_cast<Connection*>(self)->on_event(what); });
        },
        this);
    bufferevent_setwatermark(bev_.get(), EV_READ, 0, kReadAhead);
    const timeval write_timeout{kWriteSeconds, 0};
    bufferevent_set_timeouts(bev_.get(), nullptr, &write_timeout);
    bufferevent_enable(bev_.get(), EV_READ | EV_WRITE);
}

std::size_t Connection::unsent() const { return evbuffer_get_length(bufferevent_get_output(bev_.get())); }

bool Connection::idle() const { return phase_ == Phase::Reading && !parser_.in_request() && unsent() == 0; }

void Connection::close() {
    if (closed()) return;
    hold(0);
    count_sending(0);
    event_del(deadline_.get());
    event_del(resume_.get());
    bev_.reset();
    owner_.on_closed(*this);
}

void Connection::hold(std::size_t bytes) {
    owner_.held = owner_.held - held_ + bytes;
    held_ = bytes;
}

void Connection::count_sending(std::size_t bytes) {
    owner_.sending = owner_.sending - sending_ + bytes;
    sending_ = bytes;
}

bool Connection::finish() {
    if (closed()) return true;
    finishing_ = true;
    if (unsent() == 0 && phase_ != Phase::Lingering) close();
    return closed();
}

void Connection::write(std::string_view bytes) {
    if (!closed() && !bytes.empty()) bufferevent_write(bev_.get(), bytes.data(), bytes.size());
}

void Connection::on_read() {
    if (phase_ == Phase::Streaming || phase_ == Phase::Closing || phase_ == Phase::Lingering) {
        evbuffer* input = bufferevent_get_input(bev_.get());
        evbuffer_drain(input, evbuffer_get_length(input));
        return;
    }
    process();
}

// An answer has left at once; the client's next request may be here already.
void Connection::on_resume() {
    if (!closed() && unsent() == 0) on_written();
}

// Takes requests out of what has been read, until one is at work.
void Connection::process() {
    if (processing_) return;
    processing_ = true;
    while (!closed() && phase_ == Phase::Reading && !finishing_ && unsent() == 0) {
        evbuffer* input = bufferevent_get_input(bev_.get());
        evbuffer_iovec piece{};
        if (evbuffer_peek(input, -1, nullptr, &piece, 1) < 1 || piece.iov_len == 0) break;
        const bool begun = parser_.in_request();
        const std::size_t taken = parser_.feed({static_cast<const char*>(piece.iov_base), piece.iov_len});
        evbuffer_drain(input, taken);
        last_used_ = monotonic_us();
        hold(parser_.body_size());
        if (parser_.failure() != 0) {
            refuse(parser_.failure());
        } else if (owner_.held > ConnectionOwner::kMaxHeld) {
            refuse(503);
        } else if (parser_.complete()) {
            event_del(deadline_.get());
            begin_request();
        } else {
            if (!begun && parser_.in_request()) start_timer(deadline_, limits_.request_seconds * 1000);
            if (parser_.take_continue()) write("HTTP/1.1 100 Continue\r\n\r\n");
        }
    }
    processing_ = false;
    // Half-closed and nothing more to come: a request that is cut in the middle is never answered.
    if (!closed() && half_closed_ && phase_ == Phase::Reading && unsent() == 0) close_when_written(false);
}

void Connection::begin_request() {
    request_ = parser_.take();
    read_credentials(request_, caller_);
    phase_ = Phase::Working;
    done_task_.reset();
    task_ = owner_.make_task(*this);
    task_->start();
}

// Answers what is no request; whatever else the client sends is no longer understood.
void Connection::refuse(int status) {
    event_del(deadline_.get());
    Answer answer = error_answer(status);
    answer.close = true;
    request_ = HttpRequest();
    parser_ = HttpParser(limits_.http);
    hold(0);
    write(answer_head(answer, request_, std::time(nullptr)));
    write(answer.body);
    close_when_written(true);
}

void Connection::answer(Answer answer) {
    if (closed() || phase_ != Phase::Working) return;
    if (request_.method == "HEAD") answer.body.clear();
    if (answer.body.size() > ConnectionOwner::kShortAnswer && owner_.sending > 0 &&
        owner_.sending + answer.body.capacity() > ConnectionOwner::kMaxSending) {
        answer = error_answer(503, "Other clients are being sent as much as there is room for.");
    }
    if (!write_answer(answer_head(answer, request_, std::time(nullptr)), std::move(answer.body)))
        return close();
    const bool keep = request_.keep_alive() && !answer.close;
    request_.body = std::string();
    hold(0);
    done_task_ = std::move(task_);  // the caller is inside it
    last_used_ = monotonic_us();
    if (keep) {
        phase_ = Phase::Reading;  // the next request is looked at when this answer has left
        if (unsent() == 0) event_active(resume_.get(), EV_TIMEOUT, 0);
    } else {
        close_when_written(false);
    }
}

// Hands an answer to the socket at once, as far as it takes it; the buffer takes the rest over as it is,
// since results can be large. False if there is no memory.
bool Connection::write_answer(std::string head, std::string body) {
    std::size_t sent = 0;
    if (unsent() == 0) {
        iovec pieces[2] = {{head.data(), head.size()}, {body.data(), body.size()}};
        const ssize_t size = ::writev(bufferevent_getfd(bev_.get()), pieces, 2);
        if (size > 0) sent = static_cast<std::size_t>(size);
    }
    for (std::string* text : {&head, &body}) {
        const std::size_t skip = std::min(sent, text->size());
        sent -= skip;
        if (skip == text->size()) continue;
        if (text->size() > ConnectionOwner::kShortAnswer) count_sending(text->capacity());
        auto* rest = new std::string(std::move(*text));
        const auto drop = [](const void*, std::size_t, void* owned) {
            delete static_cast<std::string*>(owned);
        };
        if (evbuffer_add_reference(bufferevent_get_output(bev_.get()), rest->data() + skip,
                                   rest->size() - skip, drop, rest) != 0) {
            delete rest;
            return false;
        }
    }
    return true;
}

void Connection::start_stream(Answer head) {
    if (closed() || phase_ != Phase::Working) return;
    chunked_ = request_.is_http_1_1();
    if (chunked_) {
        head.header("Transfer-Encoding", "chunked");
    } else {
        head.close = true;
    }
    write(answer_head(head, request_, std::time(nullptr)));
    phase_ = Phase::Streaming;
    // A reader may stop for as long as it likes: no more than one piece waits for it.
    bufferevent_set_timeouts(bev_.get(), nullptr, nullptr);
    bufferevent_setwatermark(bev_.get(), EV_READ, 0, 0);
    on_read();
    if (half_closed_) close();
}

void Connection::send_piece(std::string_view bytes) {
    if (closed() || phase_ != Phase::Streaming || bytes.empty()) return;
    if (!chunked_) return write(bytes);
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    write(size);
    write(bytes);
    write("\r\n");
}

void Connection::end_stream() {
    if (closed() || phase_ != Phase::Streaming) return;
    if (chunked_) write("0\r\n\r\n");
    done_task_ = std::move(task_);
    close_when_written(false);
}

void Connection::close_when_written(bool linger) {
    phase_ = Phase::Closing;
    linger_ = linger && !half_closed_;
    on_read();
    if (unsent() == 0) on_written();
}

void Connection::on_written() {
    if (closed() || unsent() != 0) return;
    count_sending(0);
    last_used_ = monotonic_us();
    if (finishing_) return close();
    switch (phase_) {
        case Phase::Reading: process(); break;
        case Phase::Streaming:
            if (task_ != nullptr) task_->on_drained();
            break;
        case Phase::Closing:
            if (!linger_) return close();
            phase_ = Phase::Lingering;
            ::shutdown(bufferevent_getfd(bev_.get()), SHUT_WR);
            start_timer(deadline_, kLingerMs);
            break;
        case Phase::Working:
        case Phase::Lingering: break;
    }
}

void Connection::on_event(short what) {
    if (phase_ == Phase::Working && (what & BEV_EVENT_READING) != 0) {
        // Whatever the client asked for is carried through, whether it can still read the answer or not.
        half_closed_ = true;
        return;
    }
    const bool end = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0;
    if (!end || phase_ == Phase::Streaming || phase_ == Phase::Lingering) return close();
    half_closed_ = true;
    if (phase_ == Phase::Closing) {
        linger_ = false;
    } else {
        process();
    }
}

// The request was not complete in time, or the client keeps sending after its answer.
void Connection::on_deadline() {
    if (phase_ != Phase::Reading) return close();
    refuse(408);
}

}  // namespace reeve
