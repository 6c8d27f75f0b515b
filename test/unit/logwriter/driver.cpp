// The spawner's and the engine's side for tests. See driver.hpp.
#include "driver.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace reeve::logtest {
namespace {

using Clock = std::chrono::steady_clock;

// The child of a fork, with descriptor 3 as the spawner leaves it.
[[noreturn]] void become_log_writer(int channel) {
    const char* binary = std::getenv("REEVE_LOG_WRITER");
    int fd = ::fcntl(channel, F_DUPFD, 10);
    if (fd >= 0 && ::dup2(fd, 3) == 3) {
        ::close_range(4, ~0u, 0);
        ::execl(binary, binary, static_cast<char*>(nullptr));
    }
    ::_exit(127);
}

}  // namespace

Driver::Driver(Level loglevel) : loglevel_(loglevel) {
    REQUIRE(std::getenv("REEVE_LOG_WRITER") != nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    char name[] = "/tmp/reeve-log-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    start();
}

Driver::~Driver() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::string command = "rm -rf '" + directory_ + "'";
    if (std::system(command.c_str()) != 0) std::perror("rm");
}

void Driver::start() {
    UniqueFd mine;
    UniqueFd its;
    REQUIRE(make_channel_pair(mine, its));
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) become_log_writer(its.get());
    spawner_ = Channel(static_cast<UniqueFd&&>(mine), Edge::SL, Edge::LS);
    HelloBody hello{kProtocol, 0, 1, static_cast<std::uint32_t>(loglevel_), 0};
    REQUIRE(spawner_.send(Msg::L_HELLO, 0, hello) == Send::Sent);
    if (streams_.count(kMainLogStream) != 0) tell(kMainLogStream);
    new_engine();
    for (auto& [stream, known] : streams_) {
        if (stream != kMainLogStream) tell(stream);
    }
}

void Driver::new_engine() {
    UniqueFd mine;
    UniqueFd its;
    REQUIRE(make_channel_pair(mine, its));
    int fd = its.get();
    engine_ = Channel(static_cast<UniqueFd&&>(mine), Edge::EL, Edge::LE);
    REQUIRE(spawner_.send(Msg::L_PEER, 0, PeerBody{Role::Engine}, {}, {&fd, 1}) == Send::Sent);
}

void Driver::kill_and_restart() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    while (take_one()) {
    }
    start();
}

int Driver::finish() {
    engine_.close();
    spawner_.close();
    auto until = Clock::now() + std::chrono::seconds(30);
    while (Clock::now() < until) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        }
        ::usleep(2000);
    }
    return -1;
}

// ---- streams --------------------------------------------------------------------------------------------

void Driver::add_stream(std::uint32_t slot, std::uint32_t serial, const StreamOptions& options) {
    std::uint32_t stream = stream_of(slot, options.kind == StreamKind::Stderr);
    Known& known = streams_[stream];
    known.serial = serial;
    known.slot = slot;
    known.options = options;
    known.file = options.file_name.empty() ? std::to_string(stream) + ".log" : options.file_name;
    if (options.kind != StreamKind::ListenerStdout) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        known.pipe.reset(ends[0]);
        writers_[stream].reset(ends[1]);
    }
    tell(stream);
}

void Driver::add_main_log(const StreamOptions& options) {
    Known& known = streams_[kMainLogStream];
    known.slot = 0xFFFFFFFF;
    known.options = options;
    known.options.kind = StreamKind::MainLog;
    known.options.flags |= kStreamShared;
    known.file = "main.log";
    tell(kMainLogStream);
}

void Driver::add_syslog(int socket) {
    StreamBody body{kSyslogStream, StreamKind::Syslog, 0xFFFFFFFF, 0, 0, 0, 0};
    REQUIRE(spawner_.send(Msg::STREAM, 0, body, {}, {&socket, 1}) == Send::Sent);
}

void Driver::tell(std::uint32_t stream) {
    Known& known = streams_[stream];
    const StreamOptions& options = known.options;
    StreamBody body{stream,           options.kind,    known.slot,         options.flags,
                    options.maxbytes, options.backups, options.capture_max, kDriverPid};
    int fds[2];
    std::size_t count = 0;
    if (known.pipe.valid()) {
        body.flags |= kStreamPipe;
        fds[count++] = known.pipe.get();
    }
    UniqueFd file;
    if (options.target >= 0) {
        file.reset(::dup(options.target));
    } else if (options.file) {
        int error = 0;
        bool special = false;
        file = open_file(stream, FileOp::Reopen, error, special);
    }
    if (file.valid()) {
        body.flags |= kStreamFile;
        fds[count++] = file.get();
    }
    std::string name = "p" + std::to_string(known.slot);
    REQUIRE(spawner_.send(Msg::STREAM, known.serial, body, as_bytes(name), {fds, count}) == Send::Sent);
}

void Driver::write(std::uint32_t slot, std::string_view text, bool is_stderr) {
    while (!text.empty()) {
        ssize_t done = ::write(write_end(slot, is_stderr), text.data(), text.size());
        REQUIRE(done > 0);
        text.remove_prefix(static_cast<std::size_t>(done));
    }
}

void Driver::settle(std::uint32_t slot, bool is_stderr) {
    REQUIRE(wait([&] {
        int left = 0;
        return ::ioctl(read_end(slot, is_stderr), FIONREAD, &left) == 0 && left == 0;
    }));
    std::uint32_t serial = next_sync_++;
    to_log(Msg::SYNC, serial, Empty{});
    REQUIRE(wait([&] { return find(Msg::DONE, serial) != nullptr; }));
}

void Driver::drain(std::uint32_t slot, std::uint32_t serial) {
    REQUIRE(spawner_.send(Msg::DRAIN, serial, DrainBody{slot}) == Send::Sent);
}

// ---- files ----------------------------------------------------------------------------------------------

UniqueFd Driver::open_file(std::uint32_t stream, FileOp op, int& error, bool& special) {
    UniqueFd fd;
    error = 0;
    special = false;
    auto known = streams_.find(stream);
    if (auto failure = failures.find({stream, op}); failure != failures.end()) error = failure->second;
    if (known == streams_.end() || !known->second.options.file) error = ENOENT;
    if (error != 0) return fd;
    const StreamOptions& options = known->second.options;
    std::string file = path(known->second.file);
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    if (op == FileOp::Read) flags = O_RDONLY | O_CLOEXEC;
    if ((options.flags & kStreamShared) != 0 && op != FileOp::Read) flags |= O_APPEND;
    if (op == FileOp::Rotate && options.backups > 0) {
        for (int i = options.backups - 1; i >= 0; --i) {
            std::string from = i == 0 ? file : file + "." + std::to_string(i);
            ::rename(from.c_str(), (file + "." + std::to_string(i + 1)).c_str());
        }
    } else if (op == FileOp::Rotate) {
        flags |= O_TRUNC;
    }
    if (op == FileOp::Clear) ::unlink(file.c_str());
    fd.reset(::open(file.c_str(), flags, 0644));
    if (!fd.valid()) error = errno;
    struct stat info {};
    special = fd.valid() && ::fstat(fd.get(), &info) == 0 && !S_ISREG(info.st_mode);
    return fd;
}

void Driver::answer_open(std::uint32_t serial, const OpenBody& body) {
    int error = 0;
    bool special = false;
    UniqueFd file;
    if (body.stream == kSyslogStream) {
        if (next_syslog >= 0) file.reset(::dup(next_syslog));
        error = file.valid() ? 0 : ENOENT;
        special = true;
    } else {
        file = open_file(body.stream, body.op, error, special);
    }
    int fd = file.get();
    LogfileBody answer{body.stream, body.op, error, special ? kStreamSpecial : 0};
    Send sent = Send::Full;
    while ((sent = spawner_.send(Msg::LOGFILE, serial, answer, {}, {&fd, file.valid() ? 1u : 0u})) ==
           Send::Full) {
        pollfd writable{spawner_.fd(), POLLOUT, 0};
        REQUIRE(::poll(&writable, 1, 5000) == 1);
    }
    REQUIRE(sent == Send::Sent);
}

void Driver::release_opens() {
    hold_opens = false;
    auto held = std::move(held_);
    held_.clear();
    for (auto& [serial, body] : held) answer_open(serial, body);
}

std::string Driver::text(const std::string& name) const {
    std::string out;
    UniqueFd fd(::open(path(name).c_str(), O_RDONLY));
    char buffer[65536];
    for (ssize_t got; (got = ::read(fd.get(), buffer, sizeof buffer)) > 0;) {
        out.append(buffer, static_cast<std::size_t>(got));
    }
    return out;
}

void Driver::put(const std::string& name, const std::string& text) const {
    UniqueFd fd(::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

// ---- receiving ------------------------------------------------------------------------------------------

bool Driver::take_one() {
    for (Channel* channel : {&spawner_, &engine_}) {
        Received received;
        Receive result = channel->receive(*buffer_, received);
        if (result == Receive::Violation) FAIL(channel->reason());
        if (result != Receive::Message) continue;
        const Message& message = received.message;
        if (message.type == Msg::OPEN) {
            ++opens;
            if (hold_opens) {
                held_.emplace_back(message.serial, message.as<OpenBody>());
            } else {
                answer_open(message.serial, message.as<OpenBody>());
            }
            return true;
        }
        std::string body(reinterpret_cast<const char*>(message.body.data()), message.body.size());
        (channel == &engine_ ? from_log : to_spawner)
            .push_back({message.type, message.serial, body, std::string(message.text())});
        return true;
    }
    return false;
}

bool Driver::wait(const std::function<bool()>& done, int ms) {
    auto until = Clock::now() + std::chrono::milliseconds(ms);
    for (;;) {
        while (take_one()) {
        }
        if (done()) return true;
        if (Clock::now() >= until) return false;
        pollfd fds[2] = {{spawner_.fd(), POLLIN, 0}, {engine_.fd(), POLLIN, 0}};
        ::poll(fds, 2, 5);
    }
}

void Driver::pump(int ms) {
    wait([] { return false; }, ms);
}

const Sent* Driver::find(Msg type, std::uint32_t serial) const {
    for (const Sent& sent : from_log) {
        if (sent.type == type && sent.serial == serial) return &sent;
    }
    return nullptr;
}

std::string Driver::bytes(std::uint32_t serial) const {
    std::string out;
    for (const Sent& sent : from_log) {
        if (sent.type == Msg::BYTES && sent.serial == serial) out += sent.tail;
    }
    return out;
}

std::string Driver::read(std::uint32_t serial, std::uint32_t stream, ReadMode mode, std::int64_t offset,
                         std::int64_t length, DoneBody& done) {
    to_log(Msg::READ, serial, ReadBody{stream, mode, offset, length});
    REQUIRE(wait([&] { return find(Msg::DONE, serial) != nullptr; }));
    done = find(Msg::DONE, serial)->as<DoneBody>();
    return bytes(serial);
}

}  // namespace reeve::logtest
