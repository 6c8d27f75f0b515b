// Cuts output into chunks and takes the escape sequences out: nothing may be made up, and output without an
// escape character must come out as it went in, however it was cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/logwriter/ansi.hpp"

namespace {

std::string strip(std::string_view text, std::size_t piece) {
    reeve::AnsiStripper stripper;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) stripper.strip(text.substr(at, piece), out);
    stripper.finish(out);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::string out = strip(text, data[0] % 16 + 1u);
    if (out.size() > text.size()) std::abort();
    if (text.find('\x1b') == std::string_view::npos && out != text) std::abort();
    std::size_t at = 0;
    for (char c : out) {  // what is left is a subsequence
        at = text.find(c, at);
        if (at == std::string_view::npos) std::abort();
        ++at;
    }
    return 0;
}
