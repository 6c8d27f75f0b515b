// One run of supervisorctl: what the actions work with, and how the lines that name them are carried out. The
// exit status is that of the last failure, as the original has it: successes leave it alone.
#pragma once

#include <string>
#include <string_view>

#include "ctl/client.hpp"
#include "ctl/errors.hpp"
#include "ctl/interrupt.hpp"
#include "ctl/line_input.hpp"
#include "ctl/output.hpp"
#include "ctl/settings.hpp"

namespace reeve::ctl {

namespace exit_status {
constexpr int kGeneric = 1;
constexpr int kUsage = 2;
constexpr int kNotRunning = 3;  // `status`
constexpr int kUnknown = 4;     // `status`; refused connection
constexpr int kWrongVersion = 5;
constexpr int kFailed = 7;  // a start or signal that came to nothing; no socket
constexpr int kBrokenOutput = 120;
}  // namespace exit_status

class Session {
  public:
    // `interactive`: questions may be asked before shutdown and reload, and for a password.
    Session(Settings settings, bool interactive);

    // Carries out one line. All errors are reported and end in exit_status; throws Interrupted, OutputError.
    void run_line(std::string_view line);

    // Whether a usable supervisord answers; if not, that is told. Actions that need one ask first.
    bool upcheck();
    // Switches to another server, for `open`.
    void connect_to(const std::string& url);
    // Asks a question; true for an answer that begins with y or Y.
    bool confirm(const std::string& question);
    // Prints the help of an action, after an error in its arguments.
    void usage(std::string_view action);
    // Prints an error in the arguments, with the help of the action.
    void usage_error(std::string_view error, std::string_view action, int status = exit_status::kGeneric);
    void fail(std::string_view line, int status = exit_status::kGeneric) {
        out.line(line);
        exit_code = status;
    }

    Settings settings;
    bool interactive;
    int exit_code = 0;
    bool ended = false;  // by quit, exit or the end of the input
    Interrupt interrupt;
    Output out;
    LineInput input;
    Client client;

  private:
    bool run_action(std::string_view line);
    bool ask_for_credentials();
    void report(const std::string& text, const char* hint = "");
};

}  // namespace reeve::ctl
