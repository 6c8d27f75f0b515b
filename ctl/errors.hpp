// What can go wrong on the way to supervisord and back. Each kind is a type of its own because actions answer
// them differently: a fault may be an expected result, a refused connection has an exit status of its own,
// and what nobody handles ends as one line that begins with "error:".
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace reeve::ctl {

class Error : public std::exception {
  public:
    explicit Error(std::string text) : text_(std::move(text)) {}
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    std::string text_;
};

// supervisord answered with a fault; code is the number on the wire.
struct RpcFault : Error {
    RpcFault(int number, std::string text) : Error(std::move(text)), code(number) {}
    int code;
};

// No connection. code is an errno, or 0 if there is none (then the text says all).
struct ConnectError : Error {
    ConnectError(int number, std::string text) : Error(std::move(text)), code(number) {}
    int code;
};

// An HTTP answer other than 200. The text is like "404 Not Found".
struct HttpError : Error {
    HttpError(int number, std::string text) : Error(std::move(text)), status(number) {}
    int status;
};

// Wrong command line or configuration: the program ends with status 2.
struct UsageError : Error {
    using Error::Error;
};

// Standard output cannot be written any more.
struct OutputError : Error {
    using Error::Error;
};

// SIGINT.
struct Interrupted {};

// Fault numbers of supervisord (and 80, which is the status of a member of a group that did as told).
namespace fault {
constexpr int kUnknownMethod = 1;
constexpr int kShutdownState = 6;
constexpr int kBadName = 10;
constexpr int kBadSignal = 11;
constexpr int kNoFile = 20;
constexpr int kNotExecutable = 21;
constexpr int kFailed = 30;
constexpr int kAbnormalTermination = 40;
constexpr int kSpawnError = 50;
constexpr int kAlreadyStarted = 60;
constexpr int kNotRunning = 70;
constexpr int kSuccess = 80;
constexpr int kAlreadyAdded = 90;
constexpr int kStillRunning = 91;
constexpr int kCantReread = 92;
}  // namespace fault

}  // namespace reeve::ctl
