// The connection to supervisord: XML-RPC calls and log streams over HTTP, by libcurl, through a Unix socket
// or TCP. There are no time limits, because a call may rightly last as long as a program takes to start or
// stop. Every wait ends with the exception Interrupted when SIGINT comes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpcproto/value.hpp"
#include "ctl/interrupt.hpp"

namespace reeve::ctl {

// Where requests go, from a server URL. Only http:// and unix:// in lower case are known.
struct Target {
    std::string base;         // "http://host:port"; for Unix sockets "http://localhost"
    std::string socket_path;  // of a Unix socket
};
// Throws ConnectError for other URLs, and for socket paths that are too long.
Target parse_server_url(const std::string& url);

// A log that is followed: bytes as they come, until the server ends the stream.
class LogStream {
  public:
    virtual ~LogStream() = default;
    virtual std::string take() = 0;  // what has come since
    virtual bool ended() const = 0;
    virtual std::string problem() const = 0;  // if the stream could not be had: why
};

class Client {
  public:
    explicit Client(Interrupt& interrupt);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // The server to talk to. Credentials are sent if both are there. Nothing is connected yet.
    void use(const std::string& url, const std::optional<std::string>& username,
             const std::optional<std::string>& password);
    const std::string& url() const { return url_; }
    // The next call makes a new connection: for the first call of each action, as the server may have been
    // restarted meanwhile.
    void reconnect() { fresh_ = true; }

    // Calls supervisor.<method>. Throws RpcFault, ConnectError, HttpError, Error, Interrupted.
    Value call(std::string_view method, const std::vector<Value>& parameters = {});

    // Requests a path as a stream. Throws ConnectError for a bad URL; other problems are the stream's.
    std::unique_ptr<LogStream> open_stream(const std::string& path);
    // Waits until a stream has bytes or ends, or input (if not -1) can be read; the answer is about the
    // input.
    bool wait(int input = -1);

  private:
    struct Transfer;
    class Stream;
    friend class Stream;

    std::unique_ptr<Transfer> make_transfer(const std::string& path);
    void start(Transfer& transfer);
    void stop(Transfer& transfer);
    void run_until_done(Transfer& transfer);
    bool step(int input);
    void collect_results();

    Interrupt& interrupt_;
    void* multi_;
    std::string url_;
    std::optional<std::string> username_;
    std::optional<std::string> password_;
    std::unique_ptr<Transfer> rpc_;  // kept between calls, made anew by use()
    bool fresh_ = true;
};

}  // namespace reeve::ctl
