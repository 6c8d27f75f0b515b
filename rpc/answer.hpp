// An HTTP answer, and its bytes as they go out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/http_request.hpp"

namespace reeve {

struct Answer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;  // in this order, behind Server and Date
    std::string body;
    bool close = false;  // the connection is given up, whatever the client wanted

    Answer& header(std::string name, std::string value) {
        headers.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    // The body with Content-Type and Content-Length, in this order.
    Answer& content(std::string type, std::string bytes);
};

// The page that goes with an error status. `why`: one more sentence for people, or "".
Answer error_answer(int status, std::string_view why = {});
// 401, which asks a browser for the password.
Answer unauthorized();

// Status line and headers, up to and including the empty line. now: seconds since 1970. `request` says which
// version to answer with and whether a kept HTTP/1.0 connection must be confirmed.
std::string answer_head(const Answer& answer, const HttpRequest& request, std::int64_t now);

}  // namespace reeve
