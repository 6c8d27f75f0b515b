// Standard output. Lines are shown at once on a terminal and collected otherwise, as with stdio; but a failed
// write is an exception instead of a flag, and what has been printed is never lost by a signal.
#pragma once

#include <string>
#include <string_view>

namespace reeve::ctl {

class Output {
  public:
    Output();

    void line(std::string_view text);  // text and a line end
    void put(std::string_view text);   // just text
    // Writes what is collected. Throws OutputError.
    void flush();
    bool is_terminal() const { return terminal_; }

  private:
    std::string pending_;
    bool terminal_;
};

}  // namespace reeve::ctl
