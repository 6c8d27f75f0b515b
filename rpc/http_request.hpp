// One HTTP request, and the parser that puts it together from whatever pieces the network delivers.
//
// The parser is ours and not evhttp's: evhttp gives no hold on a connection before its first request is
// complete (so neither the cap on connections nor the deadline can be kept), refuses an empty line before a
// request, and has paths that end the process. This one knows nothing of sockets, accepts only what it can
// frame without doubt, and allocates no more than the limits allow.
//
// Deliberately strict: CRLF only, no bare CR, LF or NUL in the header block, valid UTF-8, one Content-Length,
// no Transfer-Encoding. Whatever fails has a status for the client, and the connection is given up after it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve {

// All in bytes.
struct HttpLimits {
    std::size_t header_line = 8192;
    std::size_t headers = 65536;
    std::size_t body = 8 * 1024 * 1024;
};

struct HttpRequest {
    std::string method;
    std::string target;                                        // as sent
    std::string version;                                       // "HTTP/1.1"; answers repeat it
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;
    bool has_length = false;  // a Content-Length was given

    // The first header of that name (in lower case), or "".
    std::string_view header(std::string_view name) const;
    bool has_header(std::string_view name) const;
    bool is_http_1_0() const { return version == "HTTP/1.0"; }
    bool is_http_1_1() const { return version == "HTTP/1.1"; }
    // Whether the connection stays open after the answer.
    bool keep_alive() const;
};

class HttpParser {
  public:
    explicit HttpParser(const HttpLimits& limits) : limits_(limits) {}

    // Takes bytes up to the end of the current request and returns how many it took. Takes none once the
    // request is complete or has failed.
    std::size_t feed(std::string_view bytes);

    bool complete() const { return state_ == State::Complete; }
    // The HTTP status that a request which cannot be parsed is answered with, else 0.
    int failure() const { return failure_; }
    // A request has begun and is not complete. Empty lines before it don't count.
    bool in_request() const {
        return state_ == State::RequestLine || state_ == State::Headers || state_ == State::Body;
    }
    // Bytes of the body so far.
    std::size_t body_size() const { return request_.body.size(); }
    // The client waits for "100 Continue" before it sends the body. True once for each request.
    bool take_continue();
    // The complete request; the parser is ready for the next one.
    HttpRequest take();

  private:
    enum class State { Start, RequestLine, Headers, Body, Complete, Failed };

    void fail(int status);
    void on_line();
    void on_request_line(std::string_view line);
    void on_header_line(std::string_view line);
    void on_headers_end();

    HttpLimits limits_;
    State state_ = State::Start;
    int failure_ = 0;
    bool wants_continue_ = false;
    std::size_t header_bytes_ = 0;
    std::size_t body_left_ = 0;
    std::string line_;
    HttpRequest request_;
};

// ASCII only, whatever the locale.
std::string lower_case(std::string_view text);
bool equal_ignoring_case(std::string_view one, std::string_view other);
// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);

}  // namespace reeve
