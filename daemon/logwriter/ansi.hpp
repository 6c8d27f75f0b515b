// Takes terminal escape sequences out of a program's output (strip_ansi=true).
//
// Within a chunk this is the automaton that Supervisor's users know: after ESC [ everything is dropped up to
// and including one of the letters HfABCDRsuJKhlpm; other escapes stay. Beyond that it remembers what a
// chunk's end cuts: a sequence that has been well-formed so far goes on in the next chunk, and an ESC as the
// last byte is held back until it is known whether [ follows. A sequence that has long ceased to be one is
// forgotten at the chunk's end, so that a stray ESC [ cannot swallow the output that follows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reeve {

class AnsiStripper {
  public:
    // Appends to out what is left of the chunk.
    void strip(std::string_view chunk, std::string& out);

    // The output ends here: gives back an ESC that was held back, and starts from scratch.
    void finish(std::string& out);

  private:
    bool inside_ = false;       // within a sequence
    bool escape_held_ = false;  // the last chunk ended in ESC
    bool well_formed_ = false;  // only parameter and intermediate bytes since [
    std::size_t length_ = 0;    // bytes of the sequence since [
};

}  // namespace reeve
