// Ctrl-C as an event. SIGINT is blocked and read from a descriptor, so that every wait of this program (for
// an answer, for a log, for the next line) can end at once and at a known place: by the exception
// Interrupted. What then happens is the caller's business: a log stops, the shell ends, a single action dies
// of the signal.
#pragma once

#include "common/base/unique_fd.hpp"

namespace reeve::ctl {

class Interrupt {
  public:
    Interrupt();  // blocks SIGINT for the rest of the process's life

    int fd() const { return fd_.get(); }
    // Throws Interrupted if SIGINT has come.
    void check();
    // Waits until fd can be read (or has ended). Throws Interrupted.
    void wait_readable(int fd);
    // Ends the process as SIGINT does by default, so that a calling shell sees 130.
    [[noreturn]] static void die();

  private:
    UniqueFd fd_;
};

}  // namespace reeve::ctl
