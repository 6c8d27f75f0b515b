// The listener's side of the event protocol. See listener_protocol.hpp.
#include "daemon/engine/listener_protocol.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace reeve {

namespace {

constexpr std::string_view kReadyLine = "READY\n";
constexpr std::string_view kOk = "OK";
constexpr std::size_t kResultPrefix = 7;  // bytes of "RESULT ", which are skipped, not compared
constexpr std::string_view kBlanks = " \t\n\r\v\f";

// The number behind the first seven bytes; blanks around it and a plus are allowed.
std::optional<std::uint32_t> result_length(std::string_view line) {
    line.remove_prefix(std::min(line.size(), kResultPrefix));
    std::size_t first = line.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return std::nullopt;
    line = line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
    if (line.front() == '+') line.remove_prefix(1);
    std::uint32_t length = 0;
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), length);
    if (line.empty() || error != std::errc() || end != line.data() + line.size()) return std::nullopt;
    return length;
}

}  // namespace

std::string_view listener_state_name(ListenerState state) {
    switch (state) {
        case ListenerState::Ready: return "READY";
        case ListenerState::Busy: return "BUSY";
        case ListenerState::Acknowledged: return "ACKNOWLEDGED";
        case ListenerState::Unknown: return "UNKNOWN";
    }
    return "UNKNOWN";
}

ListenerStep ListenerProtocol::next(std::string_view& bytes) {
    while (!bytes.empty()) {
        ListenerStep step = ListenerStep::NeedMore;
        switch (state_) {
            case ListenerState::Acknowledged: step = next_acknowledged(bytes); break;
            case ListenerState::Ready: step = next_ready(bytes); break;
            case ListenerState::Busy: step = in_result_ ? next_result(bytes) : next_busy(bytes); break;
            case ListenerState::Unknown: bytes = {}; break;
        }
        if (step != ListenerStep::NeedMore) return step;
    }
    return ListenerStep::NeedMore;
}

ListenerStep ListenerProtocol::unknown(ListenerStep why) {
    state_ = ListenerState::Unknown;
    return why;
}

ListenerStep ListenerProtocol::next_acknowledged(std::string_view& bytes) {
    std::size_t take = std::min(bytes.size(), kReadyLine.size() - pending_.size());
    pending_ += bytes.substr(0, take);
    bytes.remove_prefix(take);
    if (pending_.size() < kReadyLine.size()) return ListenerStep::NeedMore;
    bool ready = pending_ == kReadyLine;
    pending_.clear();
    if (!ready) return unknown(ListenerStep::Violation);
    state_ = ListenerState::Ready;
    return ListenerStep::Ready;
}

ListenerStep ListenerProtocol::next_ready(std::string_view& bytes) {
    if (!resumed_) return unknown(ListenerStep::Violation);
    // A late READY, or the answer to an event of the former engine: read it as such.
    state_ = ListenerState::Busy;
    ListenerStep step = next_busy(bytes);
    // Nothing yet, or a READY that changes nothing: the listener can be sent an event as before.
    if (step == ListenerStep::NeedMore && !in_result_) state_ = ListenerState::Ready;
    return step;
}

ListenerStep ListenerProtocol::next_busy(std::string_view& bytes) {
    std::size_t line_end = bytes.find('\n');
    std::size_t take = std::min(line_end, bytes.size());
    take = std::min(take, kMaxResultLine - pending_.size());
    pending_ += bytes.substr(0, take);
    bytes.remove_prefix(take);
    if (take != line_end) {
        if (bytes.empty()) return ListenerStep::NeedMore;
        return unknown(ListenerStep::BadLine);  // longer than any result line is
    }
    bytes.remove_prefix(1);
    if (resumed_ && pending_ == kReadyLine.substr(0, kReadyLine.size() - 1)) {
        pending_.clear();
        if (!std::exchange(ready_due_, false) && std::exchange(answer_due_, false)) {
            state_ = ListenerState::Ready;
            return ListenerStep::Ready;
        }
        return ListenerStep::NeedMore;
    }
    std::optional<std::uint32_t> length = result_length(pending_);
    if (!length) return unknown(ListenerStep::BadLine);
    pending_.clear();
    result_left_ = *length;
    maybe_ok_ = result_left_ == kOk.size();
    in_result_ = true;
    return next_result(bytes);
}

ListenerStep ListenerProtocol::next_result(std::string_view& bytes) {
    std::size_t take = std::min<std::size_t>(bytes.size(), result_left_);
    if (maybe_ok_) {
        maybe_ok_ = bytes.substr(0, take) == kOk.substr(kOk.size() - result_left_, take);
    }
    bytes.remove_prefix(take);
    result_left_ -= static_cast<std::uint32_t>(take);
    if (result_left_ > 0) return ListenerStep::NeedMore;
    in_result_ = answer_due_ = ready_due_ = false;
    state_ = ListenerState::Acknowledged;
    return maybe_ok_ ? ListenerStep::Accepted : ListenerStep::Rejected;
}

void ListenerProtocol::event_sent() {
    state_ = ListenerState::Busy;
    answer_due_ = false;
}

void ListenerProtocol::resume(ListenerState state, const ListenerProgress& progress) {
    reset();
    resumed_ = true;
    state_ = state == ListenerState::Acknowledged ? ListenerState::Ready : state;
    if (state_ == ListenerState::Unknown) return;
    ready_due_ = state == ListenerState::Acknowledged || (progress.flags & ListenerProgress::kReadyDue) != 0;
    answer_due_ = state_ == ListenerState::Busy;
    if ((progress.flags & ListenerProgress::kInResult) != 0) {
        in_result_ = state_ == ListenerState::Busy && progress.result_left > 0;
        result_left_ = in_result_ ? progress.result_left : 0;
        maybe_ok_ =
            in_result_ && (progress.flags & ListenerProgress::kMaybeOk) != 0 && result_left_ <= kOk.size();
        return;
    }
    if ((progress.flags & ListenerProgress::kSkipped) != 0) pending_.assign(kResultPrefix, '.');
    pending_.append(reinterpret_cast<const char*>(progress.kept),
                    std::min<std::size_t>(progress.size, ListenerProgress::kKeep));
}

ListenerProgress ListenerProtocol::progress() const {
    ListenerProgress out;
    if (state_ == ListenerState::Unknown) return out;
    if (ready_due_) out.flags |= ListenerProgress::kReadyDue;
    if (in_result_) {
        out.flags |= ListenerProgress::kInResult;
        if (maybe_ok_) out.flags |= ListenerProgress::kMaybeOk;
        out.result_left = result_left_;
        return out;
    }
    std::string_view kept = pending_;
    if (kept.size() > kResultPrefix) {
        out.flags |= ListenerProgress::kSkipped;
        kept.remove_prefix(kResultPrefix);
    }
    kept = kept.substr(0, ListenerProgress::kKeep);
    out.size = static_cast<std::uint8_t>(kept.size());
    std::copy(kept.begin(), kept.end(), out.kept);
    return out;
}

}  // namespace reeve
