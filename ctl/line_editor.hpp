// One line typed at a terminal, by libedit. Its own signal handling is off: it waits through our Interrupt,
// so that Ctrl-C ends the line at once and the terminal is as it was.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/unique_fd.hpp"
#include "ctl/interrupt.hpp"

struct editline;
struct history;

namespace reeve::ctl {

class LineEditor {
  public:
    using Completer =
        std::function<std::vector<std::string>(const std::string& line, const std::string& word)>;

    LineEditor(Interrupt& interrupt, Completer completer);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    // For the arrow keys, oldest first.
    void remember(const std::string& line);
    // The line without its end; nullopt at Ctrl-D. Throws Interrupted.
    std::optional<std::string> read(const std::string& prompt);

  private:
    static LineEditor& of(struct editline* edit);
    int next_character(wchar_t* out);
    unsigned char complete();
    void on_window_signal();

    Interrupt& interrupt_;
    Completer completer_;
    struct editline* edit_;
    struct history* history_;
    UniqueFd window_signals_;  // SIGWINCH and SIGCONT
    std::string prompt_;
    std::string last_listed_;  // the line that Tab was pressed on last
    bool interrupted_ = false;
};

// What Tab does with candidates for a word: the text to insert behind it. Pure, for the tests.
std::string common_continuation(const std::vector<std::string>& candidates, const std::string& word);
// The word that ends at the end of the text: after the last character that ends words.
std::string last_word(const std::string& text);

}  // namespace reeve::ctl
