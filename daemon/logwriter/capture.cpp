// The token scanner of capture mode. See capture.hpp.
#include "daemon/logwriter/capture.hpp"

#include <algorithm>

namespace reeve {
namespace {

constexpr std::string_view kBegin = "<!--XSUPERVISOR:BEGIN-->";
constexpr std::string_view kEnd = "<!--XSUPERVISOR:END-->";

// How many bytes at the end of the text may be the beginning of the token.
std::size_t partial_token(std::string_view text, std::string_view token) {
    for (std::size_t size = std::min(text.size(), token.size() - 1); size > 0; --size) {
        if (text.substr(text.size() - size) == token.substr(0, size)) return size;
    }
    return 0;
}

}  // namespace

void CaptureScanner::feed(std::string_view chunk, CaptureSink& sink) {
    pending_.append(chunk);
    std::string_view rest = pending_;
    for (;;) {
        std::string_view token = captured_ ? kEnd : kBegin;
        if (rest.size() <= token.size()) break;
        std::size_t found = rest.find(token);
        if (found == std::string_view::npos) {
            std::size_t passed = rest.size() - partial_token(rest, token);
            if (passed > 0) sink.on_text(rest.substr(0, passed), captured_);
            rest.remove_prefix(passed);
            break;
        }
        if (found > 0) sink.on_text(rest.substr(0, found), captured_);
        captured_ = !captured_;
        rest.remove_prefix(found + token.size());
        sink.on_token(captured_);
    }
    pending_.erase(0, pending_.size() - rest.size());
}

void CaptureScanner::finish(CaptureSink& sink) {
    // A token of exactly the pending length was waiting for one more byte.
    std::string_view token = captured_ ? kEnd : kBegin;
    std::string rest;
    rest.swap(pending_);
    if (rest == token) {
        captured_ = !captured_;
        sink.on_token(captured_);
    } else if (!rest.empty()) {
        sink.on_text(rest, captured_);
    }
}

void CaptureBuffer::keep(std::string_view text) {
    if (bytes_.size() + text.size() > max_) bytes_.erase(0, std::min(text.size(), bytes_.size()));
    bytes_.append(text);
}

}  // namespace reeve
