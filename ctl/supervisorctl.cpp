// supervisorctl: sends actions to a running supervisord. With an action on the command line it carries out
// that one and ends with its status; without it becomes a shell. This file is the way in and the way out; the
// actions are in commands/.
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "ctl/command_line.hpp"
#include "ctl/session.hpp"
#include "ctl/settings.hpp"
#include "ctl/shell.hpp"

namespace {

using namespace reeve::ctl;

// The path that was executed: the full one also if it was found through PATH, unlike argv[0].
std::string program_path(const char* argv0) {
    unsigned long path = getauxval(AT_EXECFN);
    return path != 0 ? std::string(reinterpret_cast<const char*>(path)) : std::string(argv0);
}

// A closed standard descriptor would be given to the next socket, and our output would go to the daemon.
void open_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) < 0) {
            // Opened the wrong way round on purpose, so that its use is still an error.
            int opened = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            if (opened != fd) _exit(exit_status::kGeneric);
        }
    }
}

// Arguments are joined with blanks and taken apart again: "signal HUP" in one word is how some tools call us.
std::string join(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() && &word == &words.front() ? "" : " ") + word;
    return line;
}

int run(Session& session, const CommandLine& line) {
    if (line.words.empty()) {
        run_shell(session);
        return 0;
    }
    try {
        session.run_line(join(line.words));
    } catch (const Interrupted&) {
        session.out.flush();
        Interrupt::die();
    }
    return session.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    open_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    std::string program = program_path(argc > 0 ? argv[0] : "supervisorctl");
    try {
        std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
        CommandLine line = parse_command_line(words);
        if (line.help) {
            Output out;
            out.put(usage_text(program));
            out.flush();
            return 0;
        }
        Settings settings = read_settings(line, program);
        for (const std::string& plugin : settings.ctlplugins)
            std::fprintf(stderr, "supervisorctl: [%s] is ignored, as Python plugins cannot be loaded\n",
                         plugin.c_str());
        Session session(std::move(settings), line.interactive || line.words.empty());
        return run(session, line);
    } catch (const UsageError& error) {
        std::fprintf(stderr, "Error: %s\nFor help, use %s -h\n", error.what(), program.c_str());
        return exit_status::kUsage;
    } catch (const OutputError& error) {
        std::fprintf(stderr, "supervisorctl: %s\n", error.what());
        return exit_status::kBrokenOutput;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "supervisorctl: %s\n", error.what());
        return exit_status::kGeneric;
    }
}
