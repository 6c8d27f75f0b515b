// Standard output. See output.hpp.
#include "ctl/output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ctl/errors.hpp"

namespace reeve::ctl {
namespace {

constexpr std::size_t kLimit = 64 * 1024;

}  // namespace

Output::Output() : terminal_(::isatty(STDOUT_FILENO) == 1) {}

void Output::line(std::string_view text) {
    pending_ += text;
    pending_ += '\n';
    if (terminal_ || pending_.size() >= kLimit) flush();
}

void Output::put(std::string_view text) {
    pending_ += text;
    if (terminal_ || pending_.size() >= kLimit) flush();
}

void Output::flush() {
    std::string_view rest = pending_;
    while (!rest.empty()) {
        ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {  // whoever made our standard output has made it non-blocking
            pollfd waiting{STDOUT_FILENO, POLLOUT, 0};
            ::poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            int error = errno;
            pending_.clear();
            throw OutputError(std::string("cannot write to standard output: ") + std::strerror(error));
        }
    }
    pending_.clear();
}

}  // namespace reeve::ctl
