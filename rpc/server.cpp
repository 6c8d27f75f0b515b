// Accepting clients. See server.hpp.
#include "rpc/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace reeve {
namespace {

// "127.0.0.1:5123", "[::1]:5123".
std::string address_text(const sockaddr_storage& address) {
    char host[INET6_ADDRSTRLEN] = "";
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        return std::string(host) + ":" + std::to_string(ntohs(in.sin_port));
    }
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(in.sin6_port));
}

bool make_sense(const ServerLimits& limits) {
    return limits.header_line >= 256 && limits.headers >= 256 && limits.body <= 1024U * 1024 * 1024 &&
           limits.request_seconds >= 1 && limits.request_seconds <= 1'000'000 && limits.connections >= 1;
}

}  // namespace

Server::Server(event_base* base, TaskMaker& tasks)
    : base_(base), tasks_(tasks), bury_(make_event<&Server::bury>(base, -1, 0, this)) {}

bool Server::add_listener(const ListenerBody& body, std::string_view tail, UniqueFd fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0)
        return false;
    const int flags = fcntl(fd.get(), F_GETFL);
    if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return false;
    if (!make_sense(body.limits)) return false;
    for (const auto& known : listeners_) {
        if (known->endpoint.id != body.id) continue;
        if (!started_) return false;
        // Somebody removed the socket's file and supervisord has made it anew; open connections go on.
        known->readable.reset();
        known->fd = std::move(fd);
        known->readable =
            make_event<&Listener::on_readable>(base_, known->fd.get(), EV_READ | EV_PERSIST, known.get());
        if (known->resting == Rest::None) event_add(known->readable.get(), nullptr);
        return true;
    }

    auto listener = std::make_unique<Listener>();
    listener->server = this;
    const std::size_t end = std::min(tail.find('\0'), tail.size());
    listener->endpoint.id = body.id;
    listener->endpoint.is_unix = body.family == AF_UNIX;
    listener->endpoint.authenticated = (body.flags & kListenerAuthenticated) != 0;
    listener->endpoint.host = tail.substr(0, end);
    listener->endpoint.port = body.port;
    if (end < tail.size()) listener->endpoint.allowed_hosts = tail.substr(end + 1);
    listener->limits.http.header_line = body.limits.header_line;
    listener->limits.http.headers = body.limits.headers;
    listener->limits.http.body = body.limits.body;
    listener->limits.request_seconds = static_cast<int>(body.limits.request_seconds);
    listener->max_connections = body.limits.connections;
    listener->fd = std::move(fd);
    listener->readable =
        make_event<&Listener::on_readable>(base_, listener->fd.get(), EV_READ | EV_PERSIST, listener.get());
    listener->rest = make_event<&Listener::on_rested>(base_, -1, 0, listener.get());
    if (started_) event_add(listener->readable.get(), nullptr);
    listeners_.push_back(std::move(listener));
    return true;
}

void Server::start() {
    started_ = true;
    const std::size_t share = share_of_descriptors();
    for (const auto& listener : listeners_) {
        listener->max_connections = std::min(listener->max_connections, share);
        event_add(listener->readable.get(), nullptr);
    }
}

void Server::accept_from(Listener& listener) {
    for (int i = 0; i < kAcceptsPerTurn && listener.resting == Rest::None; ++i) {
        if (listener.connections >= listener.max_connections) {
            if (i > 0) return;  // whether another client is there is not known; if so, we are called again
            if (!close_oldest_idle(&listener.endpoint)) return rest(listener, Rest::NoRoom);
        }
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        UniqueFd fd(::accept4(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), &size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd.valid()) {
            if (errno == EAGAIN) return;
            if (errno == EINTR || errno == ECONNABORTED) continue;
            // Out of descriptors or memory: whoever is idle makes room for the next try.
            close_oldest_idle(nullptr);
            rest(listener, Rest::NoDescriptors);
            return;
        }
        Caller caller;
        caller.listener = listener.endpoint.id;
        // On TCP the same question is answered with nonsense instead of an error.
        if (listener.endpoint.is_unix) {
            ucred peer{};
            socklen_t peer_size = sizeof peer;
            if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) == 0)
                caller.peer_uid = peer.uid;
            caller.address = listener.endpoint.host;
        } else {
            const int on = 1;
            setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            caller.address = address_text(address);
        }
        add_connection(listener, std::move(fd), std::move(caller));
    }
}

void Server::add_connection(Listener& listener, UniqueFd fd, Caller caller) {
    auto made = std::make_unique<Connection>(base_, std::move(fd), listener.endpoint, listener.limits,
                                             std::move(caller), *this);
    Connection* key = made.get();
    connections_.emplace(key, std::move(made));
    ++listener.connections;
}

// Of one listener, or of all. False if none is idle.
bool Server::close_oldest_idle(const Endpoint* endpoint) {
    Connection* oldest = nullptr;
    for (const auto& [key, connection] : connections_) {
        if ((endpoint != nullptr && &connection->endpoint() != endpoint) || !connection->idle()) continue;
        if (oldest == nullptr || connection->last_used() < oldest->last_used()) oldest = key;
    }
    if (oldest == nullptr) return false;
    oldest->close();
    return true;
}

std::size_t Server::share_of_descriptors() const {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 1;
    const std::size_t own = kOwnDescriptors + listeners_.size();
    const std::size_t left = std::max<std::size_t>(files.rlim_cur, own) - own;
    return std::max<std::size_t>(left / std::max<std::size_t>(listeners_.size(), 1), 1);
}

void Server::rest(Listener& listener, Rest reason) {
    listener.resting = reason;
    event_del(listener.readable.get());
    // Also without room: a connection may be idle soon and make some.
    start_timer(listener.rest, kRestMs);
}

void Server::wake(Listener& listener) {
    if (listener.resting == Rest::None || !started_) return;
    listener.resting = Rest::None;
    event_del(listener.rest.get());
    event_add(listener.readable.get(), nullptr);
}

void Server::on_closed(Connection& connection) {
    const auto found = connections_.find(&connection);
    if (found == connections_.end()) return;
    for (const auto& listener : listeners_) {
        if (&listener->endpoint != &connection.endpoint()) continue;
        --listener->connections;
        if (listener->resting == Rest::NoRoom) wake(*listener);
    }
    closed_.push_back(std::move(found->second));
    connections_.erase(found);
    event_active(bury_.get(), EV_TIMEOUT, 0);
}

void Server::bury() { closed_.clear(); }

bool Server::finish() {
    started_ = false;
    for (const auto& listener : listeners_) {
        event_del(listener->readable.get());
        event_del(listener->rest.get());
    }
    std::vector<Connection*> all;
    for (const auto& [key, connection] : connections_) all.push_back(key);
    for (Connection* connection : all) connection->finish();
    return connections_.empty();
}

}  // namespace reeve
