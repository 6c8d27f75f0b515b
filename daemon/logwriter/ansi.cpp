// The escape-sequence automaton. See ansi.hpp.
#include "daemon/logwriter/ansi.hpp"

namespace reeve {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::string_view kTerminators = "HfABCDRsuJKhlpm";
constexpr std::size_t kLongestSequence = 64;  // bytes; what is longer is no sequence that was cut

}  // namespace

void AnsiStripper::strip(std::string_view chunk, std::string& out) {
    if (chunk.empty()) return;
    std::size_t at = 0;
    auto enter = [&] {
        inside_ = true;
        well_formed_ = true;
        length_ = 0;
    };
    if (escape_held_) {
        escape_held_ = false;
        if (chunk[0] == '[') {
            enter();
            at = 1;
        } else {
            out += kEscape;
        }
    }
    while (at < chunk.size()) {
        if (inside_) {
            char byte = chunk[at++];
            ++length_;
            if (kTerminators.find(byte) != std::string_view::npos) {
                inside_ = false;
            } else if (byte < 0x20 || byte > 0x3f) {
                well_formed_ = false;
            }
            continue;
        }
        std::size_t escape = chunk.find("\x1b[", at);
        if (escape == std::string_view::npos) {
            std::string_view rest = chunk.substr(at);
            if (rest.back() == kEscape) {
                escape_held_ = true;
                rest.remove_suffix(1);
            }
            out.append(rest);
            break;
        }
        out.append(chunk.substr(at, escape - at));
        enter();
        at = escape + 2;
    }
    if (inside_ && (!well_formed_ || length_ > kLongestSequence)) inside_ = false;
}

void AnsiStripper::finish(std::string& out) {
    if (escape_held_) out += kEscape;
    *this = AnsiStripper();
}

}  // namespace reeve
