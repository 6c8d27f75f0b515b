// Capture mode must find the same tokens and the same text wherever reads cut the output, and lose nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/logwriter/capture.hpp"

namespace {

struct Recorder : reeve::CaptureSink {
    std::string logged;
    std::string captured;  // each text, then the token
    void on_text(std::string_view text, bool inside) override {
        if (text.empty()) std::abort();
        (inside ? captured : logged).append(text);
    }
    void on_token(bool inside) override {
        if (!inside) captured += "<!--XSUPERVISOR:END-->";
    }
};

Recorder scan(std::string_view text, std::size_t piece) {
    Recorder recorder;
    reeve::CaptureScanner scanner;
    for (std::size_t at = 0; at < text.size(); at += piece) scanner.feed(text.substr(at, piece), recorder);
    scanner.finish(recorder);
    return recorder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    // A few bytes stand for tokens and their parts, which random bytes would hardly ever make.
    std::string text;
    for (std::size_t i = 1; i < size; ++i) {
        switch (data[i]) {
            case 1: text += "<!--XSUPERVISOR:BEGIN-->"; break;
            case 2: text += "<!--XSUPERVISOR:END-->"; break;
            case 3: text += "<!--XSUPERVISOR:"; break;
            case 4: text += "BEGIN-->"; break;
            case 5: text += "END-->"; break;
            default: text += static_cast<char>(data[i]);
        }
    }
    Recorder whole = scan(text, text.size());
    Recorder cut = scan(text, data[0] % 64 + 1u);
    if (whole.logged != cut.logged || whole.captured != cut.captured) std::abort();
    if (whole.logged.size() + whole.captured.size() > text.size()) std::abort();
    return 0;
}
