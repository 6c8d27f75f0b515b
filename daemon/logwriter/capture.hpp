// Capture mode: finds the tokens <!--XSUPERVISOR:BEGIN--> and <!--XSUPERVISOR:END--> in a program's output,
// however the reads cut it, and says which text lies between them.
//
// As in Supervisor, nothing is passed on while no more bytes are pending than the token awaited has, and a
// suffix that may begin a token waits for what follows. Unlike there, nothing of that is lost when the output
// ends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reeve {

class CaptureSink {
  public:
    virtual ~CaptureSink() = default;
    // Text outside (captured: inside) of the tokens; never empty.
    virtual void on_text(std::string_view text, bool captured) = 0;
    // A BEGIN or an END was passed; captured says on which side the text goes on.
    virtual void on_token(bool captured) = 0;
};

class CaptureScanner {
  public:
    void feed(std::string_view chunk, CaptureSink& sink);
    // The output ends here: passes on what was held back.
    void finish(CaptureSink& sink);
    bool captured() const { return captured_; }

  private:
    std::string pending_;
    bool captured_ = false;
};

// What a program wrote between the tokens. The limit is soft, as it always was: when more than max bytes come
// together, as many are dropped from the front as are added.
class CaptureBuffer {
  public:
    explicit CaptureBuffer(std::size_t max) : max_(max) {}
    void keep(std::string_view text);
    std::string_view bytes() const { return bytes_; }
    void clear() { bytes_.clear(); }

  private:
    std::size_t max_;
    std::string bytes_;
};

}  // namespace reeve
