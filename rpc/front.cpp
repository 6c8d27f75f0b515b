// The spawner's messages, and the way from a request to its task. See front.hpp.
#include "rpc/front.hpp"

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <utility>

#include "common/base/log_line.hpp"
#include "rpc/guard.hpp"
#include "rpc/route.hpp"
#include "rpc/rpc_task.hpp"
#include "rpc/stream_task.hpp"
#include "rpc/web_file.hpp"
#include "rpc/web_task.hpp"

namespace reeve {
namespace {

constexpr int kExitProtocol = 70;
constexpr int kMessagesPerTurn = 32;

[[noreturn]] void give_up(const char* why) {
    write_line(STDERR_FILENO, Level::Error,
               std::string("supervisor-rpc: a message of supervisord is wrong: ") + why);
    _exit(kExitProtocol);
}

constexpr std::string_view kForeignHost =
    "This server is not known to browsers under the name that the address has. If the name is right, add it "
    "to "
    "allowed_hosts= in the server's section of the configuration file.";
constexpr std::string_view kForeignOrigin = "Web pages of other servers may not make calls here.";

}  // namespace

Front::Front(event_base* base, UniqueFd spawner, std::string token, unsigned long salt, std::string node_name)
    : base_(base),
      spawner_(std::move(spawner), Edge::RE, Edge::SR),
      spawner_readable_(make_event<&Front::on_spawner>(base, spawner_.fd(), EV_READ | EV_PERSIST, this)),
      flush_(make_event<&Front::on_flush>(base, -1, 0, this)),
      buffer_(std::make_unique<ReceiveBuffer>()),
      engine_(base),
      site_{engine_, {}, std::move(token), std::move(node_name), std::time(nullptr), salt},
      server_(base, *this) {
    event_add(spawner_readable_.get(), nullptr);
}

void Front::on_spawner() {
    Received received;
    for (int i = 0; i < kMessagesPerTurn; ++i) {
        switch (spawner_.receive(*buffer_, received)) {
            case Receive::Message:
                if (!on_message(received))
                    give_up(message_name(static_cast<std::uint16_t>(received.message.type)));
                break;
            case Receive::Nothing: return;
            case Receive::Violation: give_up(spawner_.reason());
            case Receive::End: return on_end();
        }
    }
}

bool Front::on_message(Received& received) {
    const Message& message = received.message;
    if (message.type == Msg::R_HELLO) {
        return !std::exchange(greeted_, true) && message.as<HelloBody>().protocol == kProtocol;
    }
    if (!greeted_) return false;
    switch (message.type) {
        case Msg::R_PEER:
            if (message.as<PeerBody>().role != Role::Engine) return false;
            engine_.attach(std::move(received.fds[0]));
            return true;
        case Msg::LISTENER:
            return server_.add_listener(message.as<ListenerBody>(), message.text(),
                                        std::move(received.fds[0]));
        case Msg::START: return on_start(message);
        default: return false;
    }
}

bool Front::on_start(const Message& message) {
    const auto body = message.as<StartBody>();
    if (started_ || body.listeners != server_.listener_count()) return false;
    started_ = true;
    site_.version = message.text();
    server_.start();
    return true;
}

void Front::on_end() {
    spawner_readable_.reset();
    spawner_.close();
    engine_.drain();
    on_flush();
}

void Front::on_flush() {
    if (server_.finish() || flush_left_-- == 0) {
        event_base_loopbreak(base_);
        return;
    }
    start_timer(flush_, kFlushStepMs);
}

std::unique_ptr<Task> Front::make_task(Connection& connection) {
    const HttpRequest& request = connection.request();
    const Endpoint& endpoint = connection.endpoint();
    const auto fixed = [&](Answer answer) {
        return std::make_unique<FixedAnswer>(connection, site_, std::move(answer));
    };
    if (is_browser(request) && !host_allowed(request, endpoint, site_.node_name))
        return fixed(error_answer(403, kForeignHost));

    Route route = find_route(request);
    switch (route.kind) {
        case RouteKind::Rpc:
            if (has_foreign_origin(request, endpoint)) return fixed(error_answer(403, kForeignOrigin));
            return std::make_unique<RpcTask>(connection, site_);
        case RouteKind::LogStream:
            return std::make_unique<StreamTask>(connection, site_, std::move(route.args));
        case RouteKind::MainLogStream:
            return std::make_unique<StreamTask>(connection, site_, std::vector<std::string>());
        case RouteKind::StatusPage: return make_status_task(connection, site_, route.query);
        case RouteKind::TailPage: return make_tail_task(connection, site_, route.query);
        case RouteKind::HealthPage: return fixed(Answer().content("text/plain", "OK"));
        case RouteKind::File: return fixed(file_answer(route.path, request, site_.started));
        case RouteKind::Refuse: break;
    }
    return fixed(error_answer(route.status));
}

}  // namespace reeve
