// Lines from standard input. On a terminal they are edited, with history and completion; otherwise they are
// read as they are and the prompt is printed all the same, because scripts see it in the output.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ctl/interrupt.hpp"
#include "ctl/line_editor.hpp"
#include "ctl/output.hpp"

namespace reeve::ctl {

class LineInput {
  public:
    LineInput(Interrupt& interrupt, Output& out) : interrupt_(interrupt), out_(out) {}

    // For the Tab key.
    void set_completer(LineEditor::Completer completer) { completer_ = std::move(completer); }
    // A file of lines; "" for none. It is read now and written by save_history; errors do not matter.
    void load_history(const std::string& path);
    void save_history() const;

    // The next line without its end, after a prompt; nullopt at the end of the input. Throws Interrupted.
    // Lines are remembered if `remember`, except blank ones and repetitions.
    std::optional<std::string> ask(const std::string& prompt, bool remember);
    // The same without showing what is typed, on the terminal if there is one; else the prompt goes to
    // stderr.
    std::optional<std::string> ask_secret(const std::string& prompt);

    // Lines without prompt or editing, for a caller that waits for standard input itself: read_more when it
    // is readable (false at its end), then take_line until there is none.
    bool read_more();
    std::optional<std::string> take_line();

  private:
    std::optional<std::string> edited_line(const std::string& prompt);
    std::optional<std::string> plain_line();
    void remember_line(const std::string& line);

    Interrupt& interrupt_;
    Output& out_;
    LineEditor::Completer completer_;
    std::unique_ptr<LineEditor> editor_;  // only on a terminal, made when first needed
    std::string buffer_;                  // read, not taken yet
    bool ended_ = false;
    std::vector<std::string> history_;
    std::string history_path_;
};

}  // namespace reeve::ctl
