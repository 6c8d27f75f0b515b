// Parsing of HTTP requests. See http_request.hpp.
#include "rpc/http_request.hpp"

#include <algorithm>
#include <charconv>

#include "common/text/py_repr.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMaxHeaders = 200;  // lines: each takes many times its least size in memory

// RFC 9110 "tchar": what method and header names consist of.
bool is_token(std::string_view text) {
    if (text.empty()) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_version(std::string_view text) {
    constexpr std::string_view kPrefix = "HTTP/";
    if (!text.starts_with(kPrefix) || text.size() == kPrefix.size() || text.size() > 16) return false;
    text.remove_prefix(kPrefix.size());
    return text.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

bool equal_ignoring_case(std::string_view one, std::string_view other) {
    return one.size() == other.size() && lower_case(one) == lower_case(other);
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto& [known, value] : headers) {
        if (known == name) return value;
    }
    return {};
}

bool HttpRequest::has_header(std::string_view name) const {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto& header) { return header.first == name; });
}

bool HttpRequest::keep_alive() const {
    bool close = false;
    bool keep = false;
    std::string_view left = header("connection");
    while (!left.empty()) {
        const std::size_t comma = std::min(left.find(','), left.size());
        const std::string_view option = trim(left.substr(0, comma));
        if (equal_ignoring_case(option, "close")) close = true;
        if (equal_ignoring_case(option, "keep-alive")) keep = true;
        left.remove_prefix(std::min(comma + 1, left.size()));
    }
    return is_http_1_0() ? keep && !close : !close;
}

void HttpParser::fail(int status) {
    state_ = State::Failed;
    failure_ = status;
    line_.clear();
}

std::size_t HttpParser::feed(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const std::string_view left = bytes.substr(taken);
        switch (state_) {
            case State::Complete:
            case State::Failed: return taken;
            case State::Start: {
                // Clients send empty lines between requests (supervisorctl tail -f sends one after its own).
                const std::size_t blank = std::min(left.find_first_not_of("\r\n"), left.size());
                taken += blank;
                if (blank < left.size()) state_ = State::RequestLine;
                break;
            }
            case State::RequestLine:
            case State::Headers: {
                const std::size_t end = left.find('\n');
                const std::size_t size = end == std::string_view::npos ? left.size() : end + 1;
                if (line_.size() + size > limits_.header_line + 2) {
                    fail(state_ == State::RequestLine ? 414 : 431);
                    return taken;
                }
                line_.append(left.substr(0, size));
                taken += size;
                header_bytes_ += size;
                if (header_bytes_ > limits_.headers) {
                    fail(431);
                    return taken;
                }
                if (end != std::string_view::npos) on_line();
                break;
            }
            case State::Body: {
                const std::size_t size = std::min(left.size(), body_left_);
                request_.body.append(left.substr(0, size));
                taken += size;
                body_left_ -= size;
                if (body_left_ == 0) state_ = State::Complete;
                break;
            }
        }
    }
    return taken;
}

void HttpParser::on_line() {
    if (line_.size() < 2 || line_[line_.size() - 2] != '\r') return fail(400);
    const std::string_view line = std::string_view(line_).substr(0, line_.size() - 2);
    if (has_control(line) || !is_utf8(line)) return fail(400);
    if (state_ == State::RequestLine) {
        on_request_line(line);
    } else if (line.empty()) {
        on_headers_end();
    } else {
        on_header_line(line);
    }
    line_.clear();
}

void HttpParser::on_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return fail(400);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    request_.method = line.substr(0, first);
    request_.version = line.substr(last + 1);
    if (!is_token(request_.method) || !is_version(request_.version)) return fail(400);
    if (target.empty() || target.find_first_of(" \t") != std::string_view::npos) return fail(400);
    request_.target = target;
    state_ = State::Headers;
}

void HttpParser::on_header_line(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t') {  // the old way to continue a long line
        if (request_.headers.empty()) return fail(400);
        std::string& value = request_.headers.back().second;
        value += ' ';
        value += trim(line);
        return;
    }
    if (request_.headers.size() == kMaxHeaders) return fail(431);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return fail(400);
    request_.headers.emplace_back(lower_case(line.substr(0, colon)), trim(line.substr(colon + 1)));
}

void HttpParser::on_headers_end() {
    std::size_t length = 0;
    for (const auto& [name, value] : request_.headers) {
        if (name != "content-length") continue;
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (value.empty() || end != value.data() + value.size()) return fail(400);
        if (error == std::errc::result_out_of_range) return fail(413);
        // Two lengths that differ are an attempt to make two readers see different requests.
        if (error != std::errc{} || (request_.has_length && number != length)) return fail(400);
        request_.has_length = true;
        length = number;
    }
    if (request_.has_header("transfer-encoding")) return fail(request_.has_length ? 400 : 411);
    if (length > limits_.body) return fail(413);
    wants_continue_ = length > 0 && request_.is_http_1_1() &&
                      equal_ignoring_case(request_.header("expect"), "100-continue");
    body_left_ = length;
    state_ = length > 0 ? State::Body : State::Complete;
}

bool HttpParser::take_continue() {
    return std::exchange(wants_continue_, false) && state_ == State::Body && request_.body.empty();
}

HttpRequest HttpParser::take() {
    state_ = State::Start;
    header_bytes_ = 0;
    wants_continue_ = false;
    return std::exchange(request_, HttpRequest());
}

}  // namespace reeve
