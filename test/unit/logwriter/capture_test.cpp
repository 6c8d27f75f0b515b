// Capture mode: tokens cut anywhere, what is held back, and the soft limit of the buffer.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "daemon/logwriter/capture.hpp"

using reeve::CaptureBuffer;
using reeve::CaptureScanner;

namespace {

struct Recorder : reeve::CaptureSink {
    std::string logged, captured;
    std::vector<std::string> events;
    void on_text(std::string_view text, bool inside) override {
        CHECK(!text.empty());
        (inside ? captured : logged).append(text);
    }
    void on_token(bool inside) override {
        if (inside) return;
        events.push_back(captured);
        captured.clear();
    }
};

Recorder run(const std::vector<std::string_view>& chunks, bool finish = true) {
    Recorder recorder;
    CaptureScanner scanner;
    for (std::string_view chunk : chunks) scanner.feed(chunk, recorder);
    if (finish) scanner.finish(recorder);
    return recorder;
}

const std::string kBegin = "<!--XSUPERVISOR:BEGIN-->";
const std::string kEnd = "<!--XSUPERVISOR:END-->";

}  // namespace

TEST_CASE("every split gives the same text and events") {
    const std::string text = "abc" + kBegin + "payload" + kEnd + "done" + kEnd + kBegin + kEnd + "<!--XSUP" +
                             kBegin + "in" + kBegin + kEnd + "last";
    Recorder whole = run({text});
    CHECK(whole.logged == "abcdone" + kEnd + "<!--XSUPlast");
    REQUIRE(whole.events.size() == 3);
    CHECK(whole.events[0] == "payload");
    CHECK(whole.events[1] == "");
    CHECK(whole.events[2] == "in" + kBegin);
    for (std::size_t one = 0; one <= text.size(); ++one) {
        for (std::size_t two = one; two <= text.size(); ++two) {
            std::string_view view = text;
            Recorder cut = run({view.substr(0, one), view.substr(one, two - one), view.substr(two)});
            CHECK(cut.logged == whole.logged);
            CHECK(cut.events == whole.events);
        }
    }
}

TEST_CASE("what is held back") {
    CHECK(run({"short"}, false).logged == "");
    CHECK(run({"short", "moreover-now-it-is-long-enough"}, false).logged ==
          "shortmoreover-now-it-is-long-enough");
    CHECK(run({"shortmoreover-now-it-is-long-enough", "tail"}).logged ==
          "shortmoreover-now-it-is-long-enoughtail");
    CHECK(run({kBegin + "open"}).captured == "open");
    CHECK(run({"x" + kBegin + "a" + kEnd}).events == std::vector<std::string>{"a"});
    CHECK(run({"long enough to be looked at <!--XSUPER"}, false).logged == "long enough to be looked at ");
}

TEST_CASE("many tokens in one chunk") {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += kBegin + "x" + kEnd;
    CHECK(run({text}).events.size() == 2000);
}

TEST_CASE("the buffer's limit is soft") {
    CaptureBuffer buffer(10);
    buffer.keep("abcdefghijklmnopqrstuvwxyz");
    CHECK(buffer.bytes() == "abcdefghijklmnopqrstuvwxyz");
    buffer.keep("12");
    CHECK(buffer.bytes() == "cdefghijklmnopqrstuvwxyz12");
    buffer.clear();
    buffer.keep("12345");
    buffer.keep("67890");
    CHECK(buffer.bytes() == "1234567890");
    buffer.keep("ab");
    CHECK(buffer.bytes() == "34567890ab");
}
