// pidproxy PIDFILE COMMAND [ARG...]: runs a command, and passes signals on to the process that PIDFILE names.
// For servers that put themselves into the background behind a starter that stays: supervisord signals what
// it has started, which would be the starter.
//
// It ends when the command ends, with the command's status; or after TERM, INT or QUIT, with 0.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "common/base/unique_fd.hpp"

namespace {

using reeve::UniqueFd;

constexpr int kPassedOn[] = {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGQUIT};
constexpr int kCannotRun = 127;

bool ends_us(int signo) { return signo == SIGTERM || signo == SIGINT || signo == SIGQUIT; }

// The pid in a file; nullopt if there is none. 0 and negative numbers, which would mean groups of processes,
// are none either.
std::optional<pid_t> read_pid(const char* path) {
    UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
    char text[64];
    ssize_t size = file.valid() ? read(file.get(), text, sizeof text) : -1;
    if (size <= 0) return std::nullopt;
    std::string_view rest(text, static_cast<std::size_t>(size));
    constexpr std::string_view kBlanks = " \t\r\n\v\f";
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    rest = rest.substr(0, rest.find_last_not_of(kBlanks) + 1);
    pid_t pid = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), pid);
    if (error != std::errc() || end != rest.data() + rest.size() || pid <= 0) return std::nullopt;
    return pid;
}

// Starts the command with the signal mask that we were started with.
pid_t start(char** command, const sigset_t& mask) {
    pid_t pid = fork();
    if (pid != 0) return pid;
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    execvp(command[0], command);
    std::fprintf(stderr, "pidproxy: cannot run %s: %s\n", command[0], std::strerror(errno));
    _exit(kCannotRun);
}

// Ends as the command has ended: with its status, or by the signal that ended it (without a second core
// file).
[[noreturn]] void end_like(int wait_status) {
    if (WIFEXITED(wait_status)) _exit(WEXITSTATUS(wait_status));
    rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    int signo = WTERMSIG(wait_status);
    signal(signo, SIG_DFL);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, signo);
    raise(signo);
    sigprocmask(SIG_UNBLOCK, &mask, nullptr);
    _exit(128 + signo);
}

void pass_on(int signo, const char* pidfile) {
    auto pid = read_pid(pidfile);
    if (!pid) {
        std::printf("Can't read child pidfile %s!\n", pidfile);
        std::fflush(stdout);
        return;
    }
    bool sent = kill(*pid, signo) == 0;
    if (!sent)
        std::fprintf(stderr, "pidproxy: cannot signal process %d, which %s names: %s\n",
                     static_cast<int>(*pid), pidfile, std::strerror(errno));
    if (ends_us(signo)) _exit(sent ? 0 : 1);
}

[[noreturn]] void serve(pid_t child, const char* pidfile, const sigset_t& awaited) {
    while (true) {
        int signo = sigwaitinfo(&awaited, nullptr);
        if (signo == SIGCHLD) {
            int wait_status = 0;
            if (waitpid(child, &wait_status, WNOHANG) == child) end_like(wait_status);
        } else if (signo > 0) {
            pass_on(signo, pidfile);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::printf(
            "\n"
            "Runs a command and passes signals on to the process whose pid is in a file.\n"
            "\n"
            "Usage: %s <pidfile name> <command> [<cmdarg1> ...]\n"
            "\n",
            argc > 0 ? argv[0] : "pidproxy");
        return 1;
    }
    sigset_t awaited;
    sigset_t before;
    sigemptyset(&awaited);
    for (int signo : kPassedOn) {
        signal(signo, SIG_DFL);  // an ignored signal would never be seen
        sigaddset(&awaited, signo);
    }
    signal(SIGCHLD, SIG_DFL);
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &awaited, &before);
    for (int signo : kPassedOn) sigdelset(&before, signo);

    pid_t child = start(argv + 2, before);
    if (child < 0) {
        std::fprintf(stderr, "pidproxy: cannot make a process: %s\n", std::strerror(errno));
        return 1;
    }
    serve(child, argv[1], awaited);
}
