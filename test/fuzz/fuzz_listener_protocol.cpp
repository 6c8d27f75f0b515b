// Feeds arbitrary bytes, cut arbitrarily, to the listener's side of the event protocol: twice, once uncut and
// once in pieces with the state handed from engine to engine, and both must end alike.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/engine/listener_protocol.hpp"

using namespace reeve;

namespace {

// An event is sent as soon as the listener is READY, so that the state machine goes round.
void feed(ListenerProtocol& protocol, std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t before = bytes.size();
        ListenerStep step = protocol.next(bytes);
        if (bytes.size() > before || protocol.line().size() > kMaxResultLine) std::abort();
        if (step == ListenerStep::NeedMore && !bytes.empty()) std::abort();
        if (protocol.state() == ListenerState::Ready) protocol.event_sent();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::size_t piece = 1u + data[0] % 16u;
    bool hand_over = (data[0] & 0x80) != 0;
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

    ListenerProtocol whole;
    feed(whole, bytes);
    ListenerProtocol cut;
    for (std::string_view rest = bytes; !rest.empty();) {
        std::string_view now = rest.substr(0, piece);
        rest.remove_prefix(now.size());
        feed(cut, now);
        if (hand_over) {
            ListenerProtocol next;
            next.resume(cut.state(), cut.progress());
            if (next.state() == ListenerState::Ready) next.event_sent();
            cut = next;
        }
    }
    // A resumed listener is allowed more than a fresh one; without a hand-over nothing may differ.
    if (!hand_over && (whole.state() != cut.state() || whole.line() != cut.line())) std::abort();
    return 0;
}
