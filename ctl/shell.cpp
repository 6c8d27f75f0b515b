// The interactive shell. See shell.hpp.
#include "ctl/shell.hpp"

#include "ctl/complete.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {

void run_shell(Session& session) {
    Completion completion(session);
    session.input.set_completer(
        [&](const std::string& line, const std::string& word) { return completion.candidates(line, word); });
    session.input.load_history(session.settings.history_file);
    try {
        session.run_line("status");
        while (!session.ended) {
            auto line = session.input.ask(session.settings.prompt + "> ", true);
            session.run_line(line ? *line : "EOF");
            completion.forget();
        }
    } catch (const Interrupted&) {
        session.out.line("");
    }
    session.out.flush();
    session.input.save_history();
}

}  // namespace reeve::ctl
