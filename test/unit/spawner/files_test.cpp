// Log files by rule, rotation, and which AUTO logs are removed at the start.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "calls.hpp"
#include "fixture.hpp"
#include "spawner/logfile.hpp"
#include "spawner/startup.hpp"
#include "spawner/unix_socket.hpp"

using namespace reeve;

namespace {

struct Folder {
    char path[32] = "/tmp/files-test-XXXXXX";
    Folder() { REQUIRE(::mkdtemp(path) != nullptr); }
    ~Folder() { REQUIRE(std::system(("rm -rf " + std::string(path)).c_str()) == 0); }
    std::string file(const std::string& name) const { return std::string(path) + "/" + name; }
};

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string read(const std::string& path) {
    std::ifstream in(path);
    if (!in) return "(none)";
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}
bool exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

FileResult open_file(const std::string& path, bool strict = true) {
    return open_by_rule(path.c_str(), O_WRONLY | O_CREAT, 0666, strict);
}

// A deed on the log of a program that has nothing else.
FileResult act(const std::string& path, FileOp op, std::int32_t backups = 2, bool strict = true) {
    static State* state = nullptr;
    if (state == nullptr) {
        state = new State;
        REQUIRE(state->table.open());
    }
    PaperProgram program;
    program.out = path;
    program.backups = backups;
    PaperImage paper;
    paper.groups = {{program}};
    REQUIRE(state->table.add_generation(paper.image(), PaperImage::view()) == nullptr);
    state->root = strict;
    const SpawnerImage& image = state->table.generation(state->table.newest())->image;
    return do_log_file(*state, image, image.proc(0).out, op, false);
}

}  // namespace

TEST_CASE("the rule: plain files are opened and made, links and second names are not") {
    Folder f;
    CHECK(open_file(f.file("new")).fd.valid());
    CHECK(open_file(f.file("new")).fd.valid());
    CHECK(open_file("relative-" + std::string(f.path + 5)).fd.valid());
    ::unlink(("relative-" + std::string(f.path + 5)).c_str());
    CHECK(open_file(f.file("no/such/file")).error == ENOENT);
    CHECK(open_file(f.file("")).error == EISDIR);
    CHECK(open_file(f.path).error == EISDIR);
    CHECK(open_file(f.file("new/below")).error == ENOTDIR);
    CHECK(open_file(f.file(std::string(300, 'x'))).error == ENAMETOOLONG);
    CHECK(open_file(std::string(5000, '/')).error == ENAMETOOLONG);

    write(f.file("secret"), "s");
    REQUIRE(::symlink(f.file("secret").c_str(), f.file("link").c_str()) == 0);
    REQUIRE(::link(f.file("secret").c_str(), f.file("second").c_str()) == 0);
    REQUIRE(::symlink("missing", f.file("dangling").c_str()) == 0);
    REQUIRE(::mkdir(f.file("dir").c_str(), 0777) == 0);
    REQUIRE(::symlink("dir", f.file("dirlink").c_str()) == 0);
    REQUIRE(::symlink("loop", f.file("loop").c_str()) == 0);
    ::chmod(f.path, 0777);  // a directory that others can write
    CHECK(open_file(f.file("second")).refused);
    for (const char* name : {"link", "dangling", "dirlink/x", "loop"}) {
        CAPTURE(name);
        CHECK(open_file(f.file(name)).refused);
        CHECK(!open_file(f.file(name)).fd.valid());
    }
    CHECK(!exists(f.file("missing")));
    // An ordinary user's daemon, or log_symlinks=allow.
    CHECK(open_file(f.file("link"), false).fd.valid());
    CHECK(open_file(f.file("second"), false).fd.valid());
    CHECK(open_file(f.file("dirlink/x"), false).fd.valid());
    if (::geteuid() != 0) return;
    // Only root could have made these.
    ::chmod(f.path, 0755);
    ::unlink(f.file("second").c_str());
    CHECK(open_file(f.file("link")).fd.valid());
    CHECK(open_file(f.file("dirlink/y")).fd.valid());
    CHECK(exists(f.file("dir/y")));
    CHECK(open_file(f.file("loop")).error == ELOOP);
    CHECK(!open_file(f.file("loop")).refused);
    for (mode_t mode : {mode_t{0775}, mode_t{0757}}) {
        ::chmod(f.path, mode);
        CHECK(open_file(f.file("link")).refused);
    }
    ::chmod(f.path, 0755);
    REQUIRE(::chown(f.path, 65534, 0) == 0);
    CHECK(open_file(f.file("link")).refused);
    REQUIRE(::chown(f.path, 0, 65534) == 0);
    CHECK(open_file(f.file("link")).fd.valid());
    REQUIRE(::lchown(f.file("link").c_str(), 65534, 65534) == 0);
    CHECK(open_file(f.file("link")).refused);
}

TEST_CASE("the rule: a second name that is taken away between open and look is no way in") {
    // Where the kernel lets people link what is not theirs, a program can give its log the name of any file.
    Folder f;
    std::string log = f.file("log");
    ::chmod(f.path, 0777);
    write(f.file("canary"), "");
    struct stat canary {};
    REQUIRE(::stat(f.file("canary").c_str(), &canary) == 0);
    pid_t racer = ::fork();
    REQUIRE(racer >= 0);
    if (racer == 0) {
        for (;;) {
            if (::link(f.file("canary").c_str(), log.c_str()) == 0 || errno == EEXIST) ::unlink(log.c_str());
        }
    }
    int taken = 0;
    int opened = 0;
    for (int i = 0; i < 8'000; ++i) {
        FileResult result = open_file(log);
        struct stat status {};
        if (!result.fd.valid()) continue;
        ++opened;
        if (::fstat(result.fd.get(), &status) == 0 && status.st_ino == canary.st_ino) ++taken;
    }
    ::kill(racer, SIGKILL);
    ::waitpid(racer, nullptr, 0);
    CHECK(taken == 0);
    CHECK(opened > 0);
}

TEST_CASE("the rule: what changes between the walk and the open is no way in") {
    Folder f;
    REQUIRE(::mkdir(f.file("logs").c_str(), 0777) == 0);
    REQUIRE(::mkdir(f.file("secret").c_str(), 0755) == 0);
    ::chmod(f.file("logs").c_str(), 0777);
    write(f.file("secret/log"), "secret");
    write(f.file("logs/log"), "");
    std::string log = f.file("logs/log");
    struct stat secret {};
    REQUIRE(::stat(f.file("secret/log").c_str(), &secret) == 0);
    auto is_secret = [&](const FileResult& result) {
        struct stat status {};
        return result.fd.valid() && ::fstat(result.fd.get(), &status) == 0 && status.st_ino == secret.st_ino;
    };
    SUBCASE("the file becomes a link") {
        before_open([&] {
            ::unlink(log.c_str());
            REQUIRE(::symlink("../secret/log", log.c_str()) == 0);
        });
        FileResult result = open_file(log);
        CHECK(result.refused);
        CHECK(!result.fd.valid());
    }
    SUBCASE("the file becomes a link to what is not there") {
        before_open([&] {
            ::unlink(log.c_str());
            REQUIRE(::symlink("../secret/new", log.c_str()) == 0);
        });
        CHECK(open_file(log).refused);
        CHECK(!exists(f.file("secret/new")));
    }
    SUBCASE("the file gets the second name of another") {
        before_open([&] {
            ::unlink(log.c_str());
            REQUIRE(::link(f.file("secret/log").c_str(), log.c_str()) == 0);
        });
        CHECK(open_file(log).refused);
    }
    SUBCASE("the directory becomes a link") {
        before_open([&] {
            REQUIRE(::rename(f.file("logs").c_str(), f.file("away").c_str()) == 0);
            REQUIRE(::symlink("secret", f.file("logs").c_str()) == 0);
        });
        FileResult result = open_file(log);
        CHECK(result.fd.valid());
        CHECK(!is_secret(result));
    }
    SUBCASE("a rotation is done where the walk has ended") {
        before_open([&] {
            REQUIRE(::rename(f.file("logs").c_str(), f.file("away").c_str()) == 0);
            REQUIRE(::symlink("secret", f.file("logs").c_str()) == 0);
        });
        CHECK(!is_secret(act(log, FileOp::Rotate)));
        CHECK(exists(f.file("away/log.1")));
        CHECK(!exists(f.file("secret/log.1")));
    }
    before_open(nullptr);
    CHECK(read(f.file("secret/log")) == "secret");
}

TEST_CASE("a terminal as pidfile does not become the daemon's own") {
    UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master.valid());
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    std::string terminal = ::ptsname(master.get());
    pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        ::setsid();
        // For reading as well: one that can only be written never does.
        bool opened = open_by_rule(terminal.c_str(), O_RDWR, 0, true).special;
        ::_exit(opened && ::open("/dev/tty", O_RDWR) < 0 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

TEST_CASE("special files: a FIFO without a reader does not block, a socket is refused") {
    Folder f;
    REQUIRE(::mkfifo(f.file("fifo").c_str(), 0600) == 0);
    FileResult fifo = open_file(f.file("fifo"));
    CHECK(fifo.fd.valid());
    CHECK(fifo.special);
    UniqueFd socket = bind_unix(f.file("socket").c_str(), SOCK_STREAM, 0600, kAbsent, kAbsent);
    REQUIRE(socket.valid());
    CHECK(!open_file(f.file("socket")).fd.valid());
    CHECK(act(f.file("fifo"), FileOp::Read).error == ENOENT);
    // A device of its own: who takes the check away shall not lose the machine's.
    std::string device = f.file("null");
    if (::mknod(device.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) return;
    UniqueFd usable(::open(device.c_str(), O_WRONLY | O_CLOEXEC));
    if (!usable.valid()) return;  // nodev
    CHECK(open_file(device).special);
    CHECK(act(device, FileOp::Clear).special);
    CHECK(act(device, FileOp::Rotate).special);
    CHECK(exists(device));
    CHECK(!exists(device + ".1"));
}

TEST_CASE("a rotation or a clearing of which one step fails loses nothing, and can be done again") {
    struct {
        const char* call;
        FileOp op;
        std::int32_t backups;
    } rows[] = {{"renameat", FileOp::Rotate, 4},    {"openat", FileOp::Rotate, 4},
                {"ftruncate64", FileOp::Rotate, 0}, {"openat", FileOp::Rotate, 0},
                {"unlinkat", FileOp::Clear, 4},     {"openat", FileOp::Clear, 4},
                {"openat", FileOp::Reopen, 4}};
    for (const auto& row : rows) {
        for (int skip = 0;; ++skip) {
            CAPTURE(row.call);
            CAPTURE(skip);
            Folder f;
            std::string log = f.file("log");
            write(log, "new");
            write(log + ".1", "old");
            write(log + ".2", "older");
            fail_call(row.call, EMFILE, skip);
            FileResult result = act(log, row.op, row.backups);
            if (!has_failed()) break;
            REQUIRE(skip < 20);
            CHECK(!result.fd.valid());
            CHECK(result.error == EMFILE);
            std::string all;
            for (const char* name : {".3", ".2", ".1", ""}) {
                std::string text = read(log + name);
                if (text != "(none)") all += text;
            }
            // Clearing has removed the old file before it makes the new one.
            CHECK((all == "olderoldnew" || (row.op == FileOp::Clear && skip > 0 && all == "olderold")));
            // The log writer opens the path again first, and rotates what is still too long.
            FileResult again = act(log, FileOp::Reopen, row.backups);
            CHECK(again.fd.valid());
            if (row.op == FileOp::Rotate && row.backups > 0 && read(log) == "new") {
                CHECK(act(log, FileOp::Rotate, row.backups).fd.valid());
                CHECK(read(log) == "");
                CHECK(read(log + ".1") == "new");
            }
        }
    }
}

TEST_CASE("rotation moves .1 to .N, clearing makes the file anew, reading makes nothing") {
    for (bool strict : {true, false}) {
        Folder f;
        std::string log = f.file("log");
        for (const char* text : {"one", "two", "three"}) {
            write(log, text);
            CHECK(act(log, FileOp::Rotate, 2, strict).fd.valid());
            CHECK(read(log) == "");
        }
        CHECK(read(f.file("log.1")) == "three");
        CHECK(read(f.file("log.2")) == "two");
        CHECK(!exists(f.file("log.3")));
        ::unlink(f.file("log.1").c_str());
        write(log, "four");
        CHECK(act(log, FileOp::Rotate, 3, strict).fd.valid());
        CHECK(read(f.file("log.1")) == "four");
        CHECK(read(f.file("log.2")) == "two");  // the gap takes the new one
        write(log, "five");
        CHECK(act(log, FileOp::Rotate, 0, strict).fd.valid());
        CHECK(read(log) == "");
        CHECK(read(f.file("log.1")) == "four");

        write(log, "six");
        FileResult before = act(log, FileOp::Read, 2, strict);
        CHECK(act(log, FileOp::Clear, 2, strict).fd.valid());
        CHECK(read(log) == "");
        struct stat status {};
        CHECK(::fstat(before.fd.get(), &status) == 0);
        CHECK(status.st_size == 3);
        ::unlink(log.c_str());
        CHECK(act(log, FileOp::Read, 2, strict).error == ENOENT);
        CHECK(!exists(log));
        CHECK(act(log, FileOp::Reopen, 2, strict).fd.valid());
        CHECK(exists(log));
    }
}

TEST_CASE("descriptors: only those that the daemon was started with") {
    auto state = std::make_unique<State>();
    state->inherited[1] = true;
    SpawnerImage none;
    LogRec log{};
    log.kind = LogKind::Descriptor;
    log.descriptor = 1;
    CHECK(do_log_file(*state, none, log, FileOp::Reopen, false).special);
    CHECK(do_log_file(*state, none, log, FileOp::Clear, false).fd.valid());
    CHECK(do_log_file(*state, none, log, FileOp::Read, false).error == ENOENT);
    for (std::uint32_t fd : {2U, 3U, 255U, 256U, 0xFFFFFFFFU}) {
        log.descriptor = fd;
        CHECK(do_log_file(*state, none, log, FileOp::Reopen, false).error == EBADF);
    }
}

TEST_CASE("AUTO logs of earlier lives are removed, others are not") {
    Folder f;
    const char* go[] = {
        "a---supervisor-x.log",       "b-stdout---supervisor-abc.log.1",     "c---supervisor-x.logfoo",
        "i---supervisor-x.log.12345", "k---supervisor-x---supervisor-y.log", "m---supervisor-x.log.1.gz"};
    const char* stay[] = {
        "---supervisor-x.log",    "d---supervisor-x.txt", "e---supervisorx-x.log", "f--supervisor-x.log",
        "g---supervisor-x y.log", "h---supervisor-.log",  "l---Supervisor-x.log",  "plain"};
    for (const char* name : go) write(f.file(name), "");
    for (const char* name : stay) write(f.file(name), "");
    PaperImage image;
    image.childlogdir = f.path;
    image.flags |= kDaemonNocleanup;
    PaperSpawner kept(image);
    clean_up_auto_logs(*kept.state);
    for (const char* name : go) CHECK(exists(f.file(name)));
    image.flags = kDaemonNodaemon;
    PaperSpawner s(image);
    clean_up_auto_logs(*s.state);
    for (const char* name : go) CHECK(!exists(f.file(name)));
    for (const char* name : stay) CHECK(exists(f.file(name)));
}

TEST_CASE("quoting") {
    CHECK(std::string(quote("/a b").text) == "'/a b'");
    CHECK(std::string(quote("it's").text) == "\"it's\"");
    CHECK(std::string(quote("'\"").text) == "'\\'\"'");
    CHECK(std::string(quote("a\\b\n").text) == "'a\\\\b\\x0a'");
}

TEST_CASE("unix sockets: mode at once, nothing is replaced, who is there is told apart") {
    Folder f;
    std::string path = f.file("s");
    CHECK(look_at_socket(path.c_str()) == Occupant::Nothing);
    ::umask(022);
    UniqueFd fd = bind_unix(path.c_str(), SOCK_STREAM, 0622, kAbsent, kAbsent);
    REQUIRE(fd.valid());
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0622);
    CHECK(look_at_socket(path.c_str()) == Occupant::DeadSocket);  // bound, but nobody listens
    REQUIRE(::listen(fd.get(), 0) == 0);
    CHECK(look_at_socket(path.c_str()) == Occupant::LiveSocket);
    CHECK(look_at_socket(path.c_str()) == Occupant::LiveSocket);  // a full queue is a live one, too
    CHECK(!bind_unix(path.c_str(), SOCK_STREAM, 0600, kAbsent, kAbsent).valid());
    CHECK(errno == EADDRINUSE);
    fd.reset();
    CHECK(look_at_socket(path.c_str()) == Occupant::DeadSocket);
    write(f.file("file"), "");
    CHECK(look_at_socket(f.file("file").c_str()) == Occupant::NoSocket);
    CHECK(look_at_socket(f.path) == Occupant::NoSocket);
    CHECK(!bind_unix(f.file(std::string(200, 'x')).c_str(), SOCK_STREAM, 0600, kAbsent, kAbsent).valid());
    CHECK(errno == ENAMETOOLONG);
    bool chown_failed = false;
    if (::geteuid() != 0) {
        CHECK(!bind_unix(f.file("owned").c_str(), SOCK_STREAM, 0600, 0, kAbsent, &chown_failed).valid());
        CHECK(chown_failed);
        CHECK(!exists(f.file("owned")));
    } else {
        CHECK(bind_unix(f.file("owned").c_str(), SOCK_STREAM, 0600, 65534, 65534, &chown_failed).valid());
        REQUIRE(::stat(f.file("owned").c_str(), &status) == 0);
        CHECK(status.st_uid == 65534);
    }
}
