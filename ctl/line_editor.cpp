// One line typed at a terminal. See line_editor.hpp.
#include "ctl/line_editor.hpp"

#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <cwchar>

#include "ctl/errors.hpp"

namespace reeve::ctl {
namespace {

// What ends a word: ':', '*' and '-' do not, since they are parts of names.
constexpr std::string_view kWordBreaks = " \t\n`~!@#$%^&()=+[{]}\\|;'\",<>/?";
constexpr int kHistorySize = 1000;

// Keys that libedit does not know. It takes a sequence as far as it can be one it knows, and what comes then
// would be typed into the line; so keys without a meaning here are named, too.
struct Keys {
    const char* start;
    std::vector<const char*> ends;
    const char* function;
};

void bind_keys(EditLine* edit) {
    const Keys all[] = {
        {"^U", {""}, "vi-kill-line-prev"},  // what is left of the cursor, not the whole line
        {"\\e[", {"1~", "7~", "1;2H", "1;3H", "1;5H"}, "ed-move-to-beg"},
        {"\\e[", {"4~", "8~", "1;2F", "1;3F", "1;5F"}, "ed-move-to-end"},
        {"\\e[", {"1;2D", "1;3D", "1;5D"}, "ed-prev-word"},  // Shift, Alt, Ctrl and an arrow
        {"\\e[", {"1;2C", "1;3C", "1;5C"}, "em-next-word"},
        {"\\e[", {"1;2A", "1;3A", "1;5A"}, "ed-prev-history"},
        {"\\e[", {"1;2B", "1;3B", "1;5B"}, "ed-next-history"},
        {"\\e[", {"3~"}, "ed-delete-next-char"},
        {"\\e[", {"2~", "5~", "6~"}, "ed-ignore"},  // Insert, Page Up, Page Down; F5 to F12
        {"\\e[", {"15~", "17~", "18~", "19~", "20~", "21~", "23~", "24~"}, "ed-ignore"},
    };
    for (const Keys& keys : all) {
        for (const char* end : keys.ends)
            el_set(edit, EL_BIND, (keys.start + std::string(end)).c_str(), keys.function, nullptr);
    }
}

UniqueFd watch_window_signals() {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGWINCH);
    sigaddset(&mask, SIGCONT);
    sigprocmask(SIG_BLOCK, &mask, nullptr);
    return UniqueFd(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Texts are UTF-8 everywhere, so also where no locale is set.
void choose_character_set() {
    std::setlocale(LC_CTYPE, "");
    if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

std::string common_continuation(const std::vector<std::string>& candidates, const std::string& word) {
    if (candidates.empty()) return "";
    std::string common = candidates.front();
    for (const std::string& candidate : candidates) {
        std::size_t same = 0;
        while (same < common.size() && same < candidate.size() && common[same] == candidate[same]) ++same;
        common.resize(same);
    }
    return common.size() > word.size() ? common.substr(word.size()) : "";
}

std::string last_word(const std::string& text) {
    std::size_t end = text.find_last_of(kWordBreaks);
    return end == std::string::npos ? text : text.substr(end + 1);
}

LineEditor::LineEditor(Interrupt& interrupt, Completer completer)
    : interrupt_(interrupt), completer_(std::move(completer)), window_signals_(watch_window_signals()) {
    choose_character_set();
    edit_ = el_init("supervisorctl", stdin, stdout, stderr);
    history_ = history_init();
    if (edit_ == nullptr || history_ == nullptr) throw Error("cannot edit lines on this terminal");
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, kHistorySize);
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_SIGNAL, 0);
    el_set(edit_, EL_HIST, ::history, history_);
    el_set(
        edit_, EL_PROMPT, +[](EditLine* edit) { return of(edit).prompt_.data(); });
    el_set(
        edit_, EL_GETCFN, +[](EditLine* edit, wchar_t* out) { return of(edit).next_character(out); });
    // The wide form, because the other one leaks copies of its texts.
    el_wset(
        edit_, EL_ADDFN, L"complete-name", L"Completes the name of an action, process or group",
        +[](EditLine* edit, int) { return of(edit).complete(); });
    el_set(edit_, EL_BIND, "^I", "complete-name", nullptr);
    bind_keys(edit_);
    el_source(edit_, nullptr);
}

LineEditor::~LineEditor() {
    el_end(edit_);
    history_end(history_);
}

LineEditor& LineEditor::of(EditLine* edit) {
    void* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<LineEditor*>(self);
}

void LineEditor::remember(const std::string& line) {
    HistEvent event;
    ::history(history_, &event, H_ENTER, line.c_str());
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
    prompt_ = prompt;
    interrupted_ = false;
    last_listed_.clear();
    int count = 0;
    // libedit prints the prompt first and prepares the terminal then; what is typed between would be lost or
    // shown twice.
    el_set(edit_, EL_PREP_TERM, 1);
    const char* line = el_gets(edit_, &count);
    if (interrupted_) throw Interrupted();
    if (line == nullptr || count <= 0) return std::nullopt;
    std::string text(line, static_cast<std::size_t>(count));
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

void LineEditor::on_window_signal() {
    signalfd_siginfo info;
    while (::read(window_signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGWINCH) el_resize(edit_);
        if (info.ssi_signo == SIGCONT) {  // the shell that continued us has changed the terminal's modes
            el_set(edit_, EL_PREP_TERM, 1);
            el_set(edit_, EL_REFRESH);
        }
    }
}

// Called by libedit: 1 and a character, 0 at the end of the input, -1 to give the line up.
int LineEditor::next_character(wchar_t* out) {
    std::mbstate_t state{};
    while (true) {
        try {
            interrupt_.check();
        } catch (const Interrupted&) {
            interrupted_ = true;
            return -1;
        }
        pollfd fds[3] = {
            {STDIN_FILENO, POLLIN, 0}, {window_signals_.get(), POLLIN, 0}, {interrupt_.fd(), POLLIN, 0}};
        if (::poll(fds, 3, -1) < 0 && errno != EINTR) return -1;
        if (fds[1].revents != 0) on_window_signal();
        if (fds[0].revents == 0) continue;
        char byte = 0;
        ssize_t got = ::read(STDIN_FILENO, &byte, 1);
        if (got == 0) return 0;
        if (got < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return -1;
        }
        std::size_t length = std::mbrtowc(out, &byte, 1, &state);
        if (length == static_cast<std::size_t>(-2)) continue;  // the character goes on
        if (length != static_cast<std::size_t>(-1)) return 1;
        state = {};  // no character: forgotten
    }
}

// Called by libedit at Tab.
unsigned char LineEditor::complete() {
    const LineInfo* info = el_line(edit_);
    std::string before(info->buffer, info->cursor);
    std::string line(info->buffer, info->lastchar);
    std::string word = last_word(before);
    std::vector<std::string> candidates = completer_(line, word);
    if (candidates.empty()) return CC_ERROR;
    std::string more = common_continuation(candidates, word);
    if (candidates.size() == 1) more += ' ';
    if (!more.empty()) {
        last_listed_.clear();
        return el_insertstr(edit_, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (last_listed_ != line) {  // the first Tab only beeps
        last_listed_ = line;
        return CC_ERROR;
    }
    std::fputc('\n', stdout);
    for (const std::string& candidate : candidates) std::fprintf(stdout, "%s  ", candidate.c_str());
    std::fputc('\n', stdout);
    std::fflush(stdout);
    return CC_REDISPLAY;
}

}  // namespace reeve::ctl
