// A program for the tests: writes numbered lines and finishes properly on SIGTERM.
//
//     worker FILE MILLISECONDS [LINES]
//
// Appends "start PID" to FILE, then writes the lines "PID 1", "PID 2", ... to stdout, one each MILLISECONDS,
// until SIGTERM comes or LINES are written. At the end it appends "end PID LAST REASON" to FILE and exits 0.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

volatile sig_atomic_t told_to_stop = 0;

void note(const char* file, const char* text) {
    int fd = ::open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ::write(fd, text, std::strlen(text)) < 0) std::exit(3);
    ::close(fd);
}

void write_whole(const char* text, std::size_t length) {
    while (length > 0) {
        ssize_t written = ::write(1, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) std::exit(4);
        text += written;
        length -= static_cast<std::size_t>(written);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    struct sigaction action {};
    action.sa_handler = [](int) { told_to_stop = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
    const int pause_ms = std::atoi(argv[2]);
    const long limit = argc > 3 ? std::atol(argv[3]) : 0;
    const int pid = ::getpid();
    char line[128];
    std::snprintf(line, sizeof line, "start %d\n", pid);
    note(argv[1], line);

    long last = 0;
    while (told_to_stop == 0 && (limit == 0 || last < limit)) {
        int length = std::snprintf(line, sizeof line, "%d %ld\n", pid, ++last);
        write_whole(line, static_cast<std::size_t>(length));
        ::poll(nullptr, 0, pause_ms);
    }
    std::snprintf(line, sizeof line, "end %d %ld %s\n", pid, last, told_to_stop != 0 ? "SIGTERM" : "done");
    note(argv[1], line);
    return 0;
}
