// Lines from standard input. See line_input.hpp.
#include "ctl/line_input.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>

#include "common/conf/unicode.hpp"

namespace reeve::ctl {
namespace {

constexpr std::size_t kHistoryLimit = 1000;  // lines kept

// All of a descriptor that is there now, but at most one piece; false at the end.
bool read_some(int fd, std::string& out) {
    char piece[4096];
    ssize_t got = ::read(fd, piece, sizeof piece);
    if (got <= 0) return false;
    out.append(piece, static_cast<std::size_t>(got));
    return true;
}

std::optional<std::string> cut_line(std::string& buffer) {
    std::size_t end = buffer.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line = buffer.substr(0, end);
    buffer.erase(0, end + 1);
    return line;
}

// Keeps a terminal from showing what is typed.
class EchoOff {
  public:
    explicit EchoOff(int fd) : fd_(fd) {
        tcgetattr(fd_, &before_);
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(fd_, TCSAFLUSH, &quiet);
    }
    ~EchoOff() { tcsetattr(fd_, TCSAFLUSH, &before_); }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

  private:
    int fd_;
    termios before_{};
};

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = ::write(fd, text.data(), text.size());
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

void LineInput::load_history(const std::string& path) {
    history_path_ = path;
    if (path.empty()) return;
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    while (file.valid() && read_some(file.get(), text)) {
    }
    while (auto line = cut_line(text)) history_.push_back(*line);
}

void LineInput::save_history() const {
    if (history_path_.empty()) return;
    UniqueFd file(::open(history_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return;
    std::string text;
    std::size_t first = history_.size() > kHistoryLimit ? history_.size() - kHistoryLimit : 0;
    for (std::size_t i = first; i < history_.size(); ++i) text += history_[i] + '\n';
    write_all(file.get(), text);
}

void LineInput::remember_line(const std::string& line) {
    if (trim(line).empty() || (!history_.empty() && history_.back() == line)) return;
    history_.push_back(line);
    editor_->remember(line);
}

std::optional<std::string> LineInput::edited_line(const std::string& prompt) {
    if (!editor_) {
        editor_ = std::make_unique<LineEditor>(interrupt_, completer_);
        for (const std::string& line : history_) editor_->remember(line);
    }
    return editor_->read(prompt);
}

std::optional<std::string> LineInput::plain_line() {
    while (true) {
        if (auto line = take_line()) return line;
        if (ended_) return std::nullopt;
        interrupt_.wait_readable(STDIN_FILENO);
        read_more();
    }
}

std::optional<std::string> LineInput::ask(const std::string& prompt, bool remember) {
    out_.flush();
    if (out_.is_terminal() && ::isatty(STDIN_FILENO) == 1) {
        auto line = edited_line(prompt);
        if (line && remember) remember_line(*line);
        return line;
    }
    out_.put(prompt);
    out_.flush();
    return plain_line();
}

std::optional<std::string> LineInput::ask_secret(const std::string& prompt) {
    out_.flush();
    UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    // Without a terminal of our own the prompt must not end up among the output, which may be parsed.
    int from = terminal.valid() ? terminal.get() : STDIN_FILENO;
    int to = terminal.valid() ? terminal.get() : STDERR_FILENO;
    if (::isatty(from) != 1) {
        std::fputs("Warning: there is no terminal, the password may be shown.\n", stderr);
        write_all(to, prompt);
        return plain_line();
    }
    std::optional<std::string> line;
    {
        EchoOff quiet(from);
        write_all(to, prompt);
        std::string typed;
        do {
            interrupt_.wait_readable(from);
        } while (read_some(from, typed) && !(line = cut_line(typed)));
    }
    write_all(to, "\n");
    return line;
}

bool LineInput::read_more() {
    if (!read_some(STDIN_FILENO, buffer_)) ended_ = true;
    return !ended_;
}

std::optional<std::string> LineInput::take_line() {
    if (auto line = cut_line(buffer_)) return line;
    if (!ended_ || buffer_.empty()) return std::nullopt;
    std::string rest;
    rest.swap(buffer_);
    return rest;  // the last line, which has no end
}

}  // namespace reeve::ctl
