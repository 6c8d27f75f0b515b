// HTTP answers. See answer.hpp.
#include "rpc/answer.hpp"

#include "rpc/text.hpp"

namespace reeve {
namespace {

std::string_view reason_of(int status) {
    switch (status) {
        case 200: return "OK";
        case 301: return "Moved Permanently";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 408: return "Request Timeout";
        case 411: return "Length Required";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 431: return "Request Header Fields Too Large";
        case 503: return "Service Unavailable";
        default: return "Internal Server Error";
    }
}

}  // namespace

Answer& Answer::content(std::string type, std::string bytes) {
    body = std::move(bytes);
    header("Content-Type", std::move(type));
    return header("Content-Length", std::to_string(body.size()));
}

Answer error_answer(int status, std::string_view why) {
    Answer answer;
    answer.status = status;
    answer.body =
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n<p>Error "
        "code ";
    answer.body += std::to_string(status);
    answer.body += ".\r\n<p>Message: ";
    answer.body += reason_of(status);
    answer.body += ".\r\n";
    if (!why.empty()) answer.body.append("<p>").append(html(why)).append("\r\n");
    answer.body += "</body>\r\n";
    answer.header("Content-Length", std::to_string(answer.body.size()));
    return answer.header("Content-Type", "text/html");
}

Answer unauthorized() {
    Answer answer = error_answer(401);
    answer.headers.insert(answer.headers.begin(),
                          {{"Connection", "close"}, {"WWW-Authenticate", "Basic realm=\"default\""}});
    answer.close = true;
    return answer;
}

std::string answer_head(const Answer& answer, const HttpRequest& request, std::int64_t now) {
    std::string out = request.version.empty() ? "HTTP/1.1" : request.version;
    out += ' ';
    out += std::to_string(answer.status);
    out += ' ';
    out += reason_of(answer.status);
    out += "\r\nServer: Medusa/1.12\r\nDate: ";
    out += http_date(now);
    out += "\r\n";
    bool has_connection = false;
    bool has_length = false;
    for (const auto& [name, value] : answer.headers) {
        if (name == "Connection") has_connection = true;
        if (name == "Content-Length") has_length = true;
        out.append(name).append(": ").append(value).append("\r\n");
    }
    if (!has_connection && answer.close && request.keep_alive()) {
        out += "Connection: close\r\n";
    } else if (!has_connection && has_length && request.is_http_1_0() && request.keep_alive()) {
        out += "Connection: Keep-Alive\r\n";
    }
    out += "\r\n";
    return out;
}

}  // namespace reeve
