// The spawn path with each of its calls failing once: what the engine is told, and that nothing leaks.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>

#include "calls.hpp"
#include "fixture.hpp"
#include "spawner/child_end.hpp"

using namespace reeve;

namespace {

struct Folder {
    char path[32] = "/tmp/spawn-test-XXXXXX";
    Folder() { REQUIRE(::mkdtemp(path) != nullptr); }
    ~Folder() { REQUIRE(std::system(("rm -rf " + std::string(path)).c_str()) == 0); }
    std::string file(const char* name) const { return std::string(path) + "/" + name; }
};

PaperImage one(const PaperProgram& program) {
    PaperImage image;
    image.groups = {{program}};
    return image;
}

PaperProgram shell(const std::string& script) {
    PaperProgram program;
    program.argv = {"sh", "-c", script};
    program.candidates = {"/nonexistent/sh", "/bin/sh"};
    return program;
}

struct Outcome {
    Msg type{};
    Stage stage = Stage::None;
    int error = 0;
    std::uint32_t candidate = 0;
    int wait_status = -1;
    std::string out, err;  // what came through the pipes
};

std::string drain(int fd) {
    std::string all;
    char piece[4096];
    for (ssize_t got = ::read(fd, piece, sizeof piece); got > 0; got = ::read(fd, piece, sizeof piece))
        all.append(piece, static_cast<std::size_t>(got));
    return all;
}

// Starts the only program of the image and waits for its end.
Outcome run(PaperSpawner& s) {
    if (s.state->table.find(0) == nullptr) REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 0}) == nullptr);
    REQUIRE(s.ask(Msg::SPAWN, 0, SpawnBody{0}) == nullptr);
    Outcome outcome;
    Received answer = s.next(s.engine);
    outcome.type = answer.message.type;
    if (outcome.type == Msg::SPAWN_FAILED) {
        auto body = answer.message.as<SpawnFailedBody>();
        outcome.stage = body.stage;
        outcome.error = body.error;
        outcome.candidate = body.candidate;
        return outcome;
    }
    auto body = answer.message.as<SpawnedBody>();
    outcome.stage = body.child_stage;
    outcome.error = body.child_errno;
    Slot& slot = *s.state->table.find(0);
    for (int i = 0; i < 10'000 && slot.state == SlotState::Live; ++i) {
        ::usleep(5'000);
        reap_children(*s.state);
    }
    REQUIRE(slot.state == SlotState::Exited);
    outcome.wait_status = static_cast<int>(slot.wait_status);
    outcome.out = drain(slot.out[0].get());
    if (slot.out[1].valid()) outcome.err = drain(slot.out[1].get());
    tell_all(*s.state);
    while (s.next(s.engine).message.type != Msg{}) {
    }
    while (s.next(s.log).message.type != Msg{}) {
    }
    REQUIRE(s.ask(Msg::ACK_EXIT, slot.serial, AckExitBody{0}) == nullptr);
    slot.out = {};
    return outcome;
}

const std::string kNotSpawned = "supervisor: child process was not spawned\n";

}  // namespace

TEST_CASE("a program gets its words, its environment, its directory and a clean slate") {
    PaperProgram program = shell(
        "echo \"$A $0 $1\"; pwd; umask; ulimit -n; ls /proc/self/fd | wc -l >&2; grep SigIgn "
        "/proc/self/status");
    program.argv.push_back("zero");
    program.argv.push_back("one");
    program.env = {"A=b c", "PATH=/bin:/usr/bin"};
    program.directory = "/tmp";
    program.umask = 027;
    PaperSpawner s(one(program));
    // What whoever started the daemon may have left to it.
    ::signal(SIGPIPE, SIG_IGN);
    UniqueFd inherited(::open("/dev/null", O_RDONLY));
    Outcome outcome = run(s);
    CHECK(outcome.out == "b c zero one\n/tmp\n0027\n256\nSigIgn:\t0000000000000000\n");
    CHECK(outcome.err == "4\n");  // 0, 1, 2 and that of ls
    CHECK(outcome.wait_status == 0);
}

TEST_CASE("no signal is blocked in a program") {
    PaperProgram program;  // not by a shell, which may unblock them itself
    program.argv = {"grep", "SigBlk", "/proc/self/status"};
    program.candidates = {"/bin/grep", "/usr/bin/grep"};
    PaperSpawner s(one(program));
    sigset_t blocked{};
    ::sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    Outcome outcome = run(s);
    ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
    CHECK(outcome.out == "SigBlk:\t0000000000000000\n");
}

TEST_CASE("redirect_stderr, and logs that are opened before the start") {
    Folder folder;
    PaperProgram program = shell("echo a; echo b >&2");
    program.redirect = true;
    program.out = folder.file("log");
    PaperSpawner s(one(program));
    Outcome outcome = run(s);
    CHECK(outcome.out == "a\nb\n");
    struct stat status {};
    CHECK(::stat(program.out.c_str(), &status) == 0);
}

TEST_CASE("the rest of a dead child's output has one writer: the log writer, if it lives and has the pipe") {
    Folder folder;
    PaperProgram program = shell("echo rest");
    program.out = folder.file("log");
    PaperSpawner s(one(program));
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 0}) == nullptr);
    REQUIRE(s.ask(Msg::SPAWN, 0, SpawnBody{0}) == nullptr);
    tell_all(*s.state);
    Slot& slot = *s.state->table.find(0);
    for (int i = 0; i < 10'000 && slot.state == SlotState::Live; ++i) {
        ::usleep(5'000);
        reap_children(*s.state);
    }
    auto logged = [&] {
        struct stat status {};
        REQUIRE(::stat(program.out.c_str(), &status) == 0);
        return status.st_size;
    };
    SUBCASE("it has it") {
        save_output(*s.state, slot);
        CHECK(logged() == 0);
    }
    SUBCASE("it has it, and has not been told everything yet") {
        s.state->log.told = false;
        save_output(*s.state, slot);
        CHECK(logged() == 0);
    }
    SUBCASE("it was not given it yet") {
        slot.stream_untold[0] = true;
        save_output(*s.state, slot);
        CHECK(logged() == 5);
    }
    SUBCASE("it is dead, and nobody has been told so yet") {
        s.log.close();
        save_output(*s.state, slot);
        CHECK(logged() == 5);
    }
}

TEST_CASE("command checks") {
    Folder folder;
    std::string plain = folder.file("plain");
    ::fclose(::fopen(plain.c_str(), "w"));
    ::chmod(plain.c_str(), 0644);
    struct {
        std::vector<std::string> candidates;
        CommandStatus status;
        Stage stage;
        std::uint32_t candidate;
    } rows[] = {
        {{"/bin/true"}, CommandStatus::Empty, Stage::CommandEmpty, kAbsent},
        {{"/bin/true"}, CommandStatus::NoClosingQuotation, Stage::CommandQuote, kAbsent},
        {{"/bin/true"}, CommandStatus::NoEscapedCharacter, Stage::CommandEscape, kAbsent},
        {{}, CommandStatus::Ok, Stage::CommandNotFound, kAbsent},
        {{"/nonexistent/a", "/nonexistent/b"}, CommandStatus::Ok, Stage::CommandNotFound, kAbsent},
        {{"/nonexistent/a", "/tmp", "/bin/true"}, CommandStatus::Ok, Stage::CommandDirectory, 1},
        {{plain, "/bin/true"}, CommandStatus::Ok, Stage::CommandNotExecutable, 0},
    };
    for (const auto& row : rows) {
        PaperProgram program;
        program.candidates = row.candidates;
        program.status = row.status;
        PaperSpawner s(one(program));
        Outcome outcome = run(s);
        CHECK(outcome.type == Msg::SPAWN_FAILED);
        CHECK(outcome.stage == row.stage);
        CHECK(outcome.candidate == row.candidate);
    }
}

TEST_CASE("each call that the parent makes fails once: the engine is told, and nothing stays open") {
    Folder folder;
    PaperProgram program = shell("exit 3");
    program.out = folder.file("out");
    program.err = folder.file("err");
    if (::geteuid() == 0) {
        program.uid = program.gid = 65534;
        program.gids = {65534};
    }
    PaperSpawner s(one(program));
    CHECK(WEXITSTATUS(run(s).wait_status) == 3);
    std::size_t before = open_descriptors();
    struct {
        const char* call;
        int skip;
        int error;
        Stage stage;
    } rows[] = {
        {"pipe2", 0, EMFILE, Stage::Pipes},  {"pipe2", 1, EMFILE, Stage::Pipes},
        {"pipe2", 2, ENFILE, Stage::Pipes},  {"openat", 0, EMFILE, Stage::Pipes},
        {"openat", 1, EACCES, Stage::Pipes}, {"clone", 0, EAGAIN, Stage::Fork},
        {"clone", 0, ENOMEM, Stage::Fork},   {"fcntl", 0, EPERM, Stage::Pipes},
        {"fcntl", 1, EPERM, Stage::Pipes},   {"fcntl", 2, EPERM, Stage::Pipes},
    };
    for (const auto& row : rows) {
        CAPTURE(row.call);
        CAPTURE(row.skip);
        fail_call(row.call, row.error, row.skip);
        Outcome outcome = run(s);
        CHECK(has_failed());
        CHECK(outcome.type == Msg::SPAWN_FAILED);
        CHECK(outcome.stage == row.stage);
        CHECK(outcome.error == row.error);
        CHECK(open_descriptors() == before);
    }
    if (::geteuid() == 0) {
        // Root that may not give a pipe away starts the program all the same.
        fail_call("fchown", EPERM, 1);
        CHECK(WEXITSTATUS(run(s).wait_status) == 3);
        CHECK(has_failed());
    }
    CHECK(WEXITSTATUS(run(s).wait_status) == 3);
    CHECK(open_descriptors() == before);
}

TEST_CASE("each call that the child makes fails once: its stderr has the known text, it exits with 127") {
    PaperProgram program = shell("exit 3");
    program.directory = "/tmp";
    PaperSpawner same(one(program));
    program.uid = program.gid = 65534;
    program.gids = {65534};
    PaperSpawner other(one(program));
    struct {
        const char* call;
        int error;
        Stage stage;
        bool changes;  // fails only on the way to another identity, in memory of its own: no stage comes back
        std::string text;
    } rows[] = {
        {"setgroups", EPERM, Stage::ChildGroups, true,
         "supervisor: couldn't setuid to 65534: Could not set groups of effective user\n"},
        {"setgid", EPERM, Stage::ChildSetgid, true,
         "supervisor: couldn't setuid to 65534: Could not set group id of effective user\n"},
        {"setuid", EAGAIN, Stage::ChildSetuid, true, ""},
        {"chdir", ENOENT, Stage::ChildChdir, false, "supervisor: couldn't chdir to /tmp: ENOENT\n"},
        {"execve", EACCES, Stage::ChildExec, false, "supervisor: couldn't exec sh: EACCES\n"},
    };
    for (const auto& row : rows) {
        for (PaperSpawner* s : {&same, &other}) {
            bool changes = s == &other;
            if ((row.changes && !changes) || (changes && ::geteuid() != 0)) continue;
            CAPTURE(row.call);
            CAPTURE(changes);
            fail_call(row.call, row.error);
            Outcome outcome = run(*s);
            CHECK(has_failed() == !changes);
            CHECK(outcome.type == Msg::SPAWNED);
            CHECK(outcome.stage == (changes ? Stage::None : row.stage));
            CHECK(outcome.error == (changes ? 0 : row.error));
            CHECK(WEXITSTATUS(outcome.wait_status) == 127);
            CHECK(outcome.err == row.text + kNotSpawned);
        }
    }
    for (int skip = 0; skip < 3; ++skip) {
        fail_call("dup2", EBADF, skip);
        CHECK(WEXITSTATUS(run(same).wait_status) == 127);
        CHECK(has_failed());
    }
}

TEST_CASE("identity") {
    PaperProgram program = shell("id -u; id -g; id -G");
    bool root = ::geteuid() == 0;
    program.uid = root ? 65534 : ::geteuid() + 1;
    program.gid = 65534;
    program.gids = {65534, 12345};
    PaperSpawner s(one(program));
    Outcome outcome = run(s);
    if (root) {
        CHECK(outcome.out == "65534\n65534\n65534 12345\n");
        program.gid = kAbsent;
        PaperSpawner unknown(one(program));
        CHECK(run(unknown).err ==
              "supervisor: couldn't setuid to 65534: Can't find uid 65534\n" + kNotSpawned);
    } else {
        CHECK(outcome.err == "supervisor: couldn't setuid to " + std::to_string(program.uid) +
                                 ": Can't drop privilege as nonroot user\n" + kNotSpawned);
    }
    program.uid = ::geteuid();  // no change at all, groups included
    program.gid = kAbsent;
    PaperSpawner same(one(program));
    CHECK(run(same).wait_status == 0);
}

TEST_CASE("a FastCGI socket is open while a process uses it") {
    Folder folder;
    PaperProgram program = shell("exit 0");
    program.fcgi = true;
    PaperImage image = one(program);
    image.fcgi_path = folder.file("s");
    PaperSpawner s(image);
    std::size_t before = open_descriptors();
    CHECK(run(s).wait_status == 0);
    CHECK(s.state->fcgi[kMaxFcgi - 1].users == 0);
    CHECK(open_descriptors() == before);
    struct stat status {};
    REQUIRE(::stat(image.fcgi_path.c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    CHECK((status.st_mode & 07777) == 0700);
    CHECK(run(s).wait_status == 0);  // what is left is replaced
    struct {
        std::string call;
        int skip;
        int error;
        Stage stage;
    } rows[] = {
        {"socket", 0, EMFILE, Stage::FcgiSocket},
        {"fchmod", 0, EPERM, Stage::FcgiSocket},
        {"bind", 0, EACCES, Stage::FcgiSocket},
        {"listen", 0, EOPNOTSUPP, Stage::FcgiSocket},
        {"pipe2", 0, EMFILE, Stage::Pipes},
        {"clone", 0, EAGAIN, Stage::Fork},
    };
    for (const auto& row : rows) {
        CAPTURE(row.call);
        fail_call(row.call, row.error, row.skip);
        Outcome outcome = run(s);
        CHECK(has_failed());
        CHECK(outcome.type == Msg::SPAWN_FAILED);
        CHECK(outcome.stage == row.stage);
        CHECK(outcome.error == row.error);
        CHECK(s.state->fcgi[kMaxFcgi - 1].users == 0);
        CHECK(open_descriptors() == before);
    }
    CHECK(run(s).wait_status == 0);
    ::unlink(image.fcgi_path.c_str());
    ::fclose(::fopen(image.fcgi_path.c_str(), "w"));
    CHECK(run(s).error == EADDRINUSE);  // a file is no socket and stays
    CHECK(::stat(image.fcgi_path.c_str(), &status) == 0);
}
