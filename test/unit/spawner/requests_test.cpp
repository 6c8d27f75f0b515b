// What the engine and the log writer may ask, and each way to break the rules.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <string_view>

#include "fixture.hpp"
#include "spawner/child_end.hpp"
#include "spawner/from_log.hpp"

using namespace reeve;

namespace {

PaperImage two_groups() {
    PaperImage image;
    PaperProgram sleeper;
    sleeper.argv = {"sleep", "100"};
    sleeper.candidates = {"/bin/sleep"};
    image.groups = {{sleeper, sleeper}, {PaperProgram{}}};
    return image;
}

// Waits until the slot's child has ended.
void wait_for_end(State& state, Slot& slot) {
    for (int i = 0; i < 10'000 && slot.state == SlotState::Live; ++i) {
        ::usleep(10'000);
        reap_children(state);
    }
    REQUIRE(slot.state == SlotState::Exited);
}

template <typename Body>
const char* log_asks(State& state, Msg type, std::uint32_t serial, const Body& body) {
    Message message;
    message.type = type;
    message.serial = serial;
    message.body = {reinterpret_cast<const std::byte*>(&body), sizeof body};
    return on_log_message(state, message);
}

}  // namespace

TEST_CASE("ACTIVATE and DEACTIVATE name groups of the newest generation and free slots") {
    PaperSpawner s(two_groups());
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{0, 0, 0}) != nullptr);
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{2, 0, 0}) != nullptr);
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 2, 0}) != nullptr);
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0xFFFFFFFF, 0}) != nullptr);
    for (std::uint32_t first : {kMaxSlots - 1, kMaxSlots, kMaxSlots + 1, 0xFFFFFFFF}) {
        CAPTURE(first);
        // By its words: behind the table lies whatever may be there, and can look like an active slot.
        const char* answer = s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, first});
        REQUIRE(answer != nullptr);
        CHECK(std::string_view(answer) == "sent ACTIVATE of slots beyond the table");
    }
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, kMaxSlots - 2}) == nullptr);
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 5}) != nullptr);              // active already
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 1, kMaxSlots - 1}) != nullptr);  // slot in use
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 0, 0}) != nullptr);            // another first slot
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 1, 0}) != nullptr);            // not active
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{7, 0, kMaxSlots - 2}) != nullptr);
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 0, kMaxSlots - 2}) == nullptr);
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 0, kMaxSlots - 2}) != nullptr);
    CHECK(s.state->table.active_slots() == 0);
}

TEST_CASE("requests name slots that are active") {
    PaperSpawner s(two_groups());
    for (std::uint32_t slot : {0U, 1U, 70000U, 0xFFFFFFFFU}) {
        CHECK(s.ask(Msg::SPAWN, 0, SpawnBody{slot}) != nullptr);
        CHECK(s.ask(Msg::CHECK, 0, CheckBody{slot}) != nullptr);
        CHECK(s.ask(Msg::KILL, 1, KillBody{slot, 15, 0}) != nullptr);
        CHECK(s.ask(Msg::ACK_EXIT, 1, AckExitBody{slot}) != nullptr);
        CHECK(s.ask(Msg::NOTE, 0, NoteBody{slot, {}}) != nullptr);
    }
}

TEST_CASE("a child's life, and what may be asked when") {
    PaperSpawner s(two_groups());
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 10}) == nullptr);
    Slot* slot = s.state->table.find(10);
    REQUIRE(slot != nullptr);
    CHECK(s.ask(Msg::KILL, 0, KillBody{10, 15, 0}) != nullptr);  // no child yet
    CHECK(s.ask(Msg::ACK_EXIT, 0, AckExitBody{10}) != nullptr);

    CHECK(s.ask(Msg::CHECK, 77, CheckBody{10}) == nullptr);
    Received checked = s.next(s.engine);
    CHECK(checked.message.type == Msg::CHECKED);
    CHECK(checked.message.serial == 77);
    CHECK(checked.message.as<SpawnFailedBody>().stage == Stage::None);

    REQUIRE(s.ask(Msg::SPAWN, 0, SpawnBody{10}) == nullptr);
    Received spawned = s.next(s.engine);
    REQUIRE(spawned.message.type == Msg::SPAWNED);
    CHECK(spawned.message.as<SpawnedBody>().fds == kFdStdin);
    CHECK(spawned.fd_count == 1);
    std::uint32_t serial = spawned.message.serial;
    CHECK(serial != 0);
    CHECK(s.next(s.log).message.type == Msg::STREAM);
    CHECK(s.next(s.log).message.type == Msg::STREAM);
    CHECK(s.next(s.log).message.type == Msg{});

    // A log writer that says so of a living child does not take its pipes away.
    CHECK(log_asks(*s.state, Msg::S_DRAINED, serial, DrainBody{10}) == nullptr);
    CHECK(slot->out[0].valid());
    CHECK(slot->out[1].valid());

    CHECK(s.ask(Msg::SPAWN, 0, SpawnBody{10}) != nullptr);  // in use
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 0, 10}) != nullptr);
    CHECK(s.ask(Msg::FINISH, 0, FinishBody{FinishMode::Exit, 0, 0}) != nullptr);  // a child lives
    CHECK(s.ask(Msg::KILL, serial + 1, KillBody{10, 15, 0}) != nullptr);          // stale
    CHECK(s.ask(Msg::KILL, serial, KillBody{10, 65, 0}) != nullptr);
    CHECK(s.ask(Msg::KILL, serial, KillBody{10, 15, 4}) != nullptr);
    CHECK(s.ask(Msg::ACK_EXIT, serial, AckExitBody{10}) != nullptr);  // it lives

    NoteBody note{10, {}};
    note.note[0] = 42;
    CHECK(s.ask(Msg::NOTE, 0, note) == nullptr);
    CHECK(slot->note[0] == 42);
    CHECK(s.ask(Msg::KILL, serial, KillBody{10, SIGTERM, kKillStop}) == nullptr);
    CHECK(slot->killed == 1);
    Received result = s.next(s.engine);
    CHECK(result.message.type == Msg::KILL_RESULT);
    CHECK(result.message.as<KillResultBody>().error == 0);

    wait_for_end(*s.state, *slot);
    tell_all(*s.state);
    Received exited = s.next(s.engine);
    REQUIRE(exited.message.type == Msg::EXITED);
    CHECK(exited.message.serial == serial);
    CHECK(WTERMSIG(static_cast<int>(exited.message.as<ExitedBody>().wait_status)) == SIGTERM);
    CHECK(s.next(s.log).message.type == Msg::DRAIN);

    // It has just died, and somebody else has got its pid.
    pid_t other = ::fork();
    REQUIRE(other >= 0);
    if (other == 0) {
        ::setpgid(0, 0);
        ::pause();
        ::_exit(0);
    }
    ::setpgid(other, other);
    slot->pid = static_cast<std::uint32_t>(other);
    for (std::uint32_t flags : {0U, kKillGroup}) {
        CHECK(s.ask(Msg::KILL, serial, KillBody{10, SIGKILL, flags}) == nullptr);
        CHECK(s.next(s.engine).message.as<KillResultBody>().error == ESRCH);
    }
    CHECK(::waitpid(other, nullptr, WNOHANG) == 0);
    ::kill(other, SIGUSR1);
    int how = 0;
    CHECK(::waitpid(other, &how, 0) == other);
    CHECK(WTERMSIG(how) == SIGUSR1);
    CHECK(s.ask(Msg::SPAWN, 0, SpawnBody{10}) != nullptr);  // not acknowledged
    CHECK(s.ask(Msg::ACK_EXIT, serial - 1, AckExitBody{10}) != nullptr);
    CHECK(s.ask(Msg::ACK_EXIT, serial, AckExitBody{10}) == nullptr);
    CHECK(s.ask(Msg::ACK_EXIT, serial, AckExitBody{10}) != nullptr);                  // twice
    CHECK(slot->out[0].valid());                                                      // not drained yet
    CHECK(log_asks(*s.state, Msg::S_DRAINED, serial + 9, DrainBody{10}) == nullptr);  // of another: nothing
    CHECK(slot->out[0].valid());
    CHECK(log_asks(*s.state, Msg::S_DRAINED, serial, DrainBody{10}) == nullptr);
    CHECK(!slot->out[0].valid());
    CHECK(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 0, 10}) == nullptr);
}

TEST_CASE("the engine must be told everything and say READY first, once") {
    PaperSpawner s(two_groups());
    CHECK(s.ask(Msg::READY, 0, Empty{}) != nullptr);  // the fixture's is ready
    s.state->engine.ready = false;
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 0}) != nullptr);
    s.state->engine.told = s.state->engine.may_speak = false;
    CHECK(s.ask(Msg::READY, 0, Empty{}) != nullptr);
    s.state->engine.told = s.state->engine.may_speak = true;
    CHECK(s.ask(Msg::READY, 0, Empty{}) == nullptr);
    CHECK(s.ask(Msg::STOPPING, 0, StoppingBody{static_cast<FinishMode>(2)}) != nullptr);
    CHECK(s.ask(Msg::FINISH, 0, FinishBody{static_cast<FinishMode>(9), 0, 0}) != nullptr);
    CHECK(s.ask(Msg::FINISH, 0, FinishBody{FinishMode::Exit, 1, 0}) != nullptr);
    s.state->reread.wanted = true;
    CHECK(s.ask(Msg::RELOAD, 4, Empty{}) != nullptr);
    CHECK(s.ask(Msg::HELLO, 0, HelloBody{}) != nullptr);
}

TEST_CASE("a new engine gets groups and slots back, and an exit once") {
    PaperSpawner s(two_groups());
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 1, 3}) == nullptr);
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 0}) == nullptr);
    REQUIRE(s.ask(Msg::SPAWN, 0, SpawnBody{3}) == nullptr);
    while (s.next(s.engine).message.type != Msg{}) {
    }
    wait_for_end(*s.state, *s.state->table.find(3));
    s.state->engine.told = s.state->engine.may_speak = false;
    s.state->engine.step = s.state->engine.cursor = 0;
    s.state->engine.ready = false;
    tell_all(*s.state);
    std::vector<Msg> seen;
    std::vector<SlotState> states;
    for (Received r = s.next(s.engine); r.message.type != Msg{}; r = s.next(s.engine)) {
        seen.push_back(r.message.type);
        if (r.message.type == Msg::SLOT) states.push_back(r.message.as<SlotBody>().state);
    }
    CHECK(seen == std::vector<Msg>{Msg::HELLO, Msg::CONFIG, Msg::GROUP, Msg::GROUP, Msg::SLOT, Msg::SLOT,
                                   Msg::SLOT, Msg::SLOTS_END});
    CHECK(states == std::vector<SlotState>{SlotState::Empty, SlotState::Empty, SlotState::Exited});
}

TEST_CASE("an exit is not taken back by a restart that the engine had begun before it heard of it") {
    PaperSpawner s(two_groups());
    State& state = *s.state;
    REQUIRE(s.ask(Msg::STOPPING, 0, StoppingBody{FinishMode::Restart}) == nullptr);
    CHECK(state.stopping == kHelloRestarting);
    SUBCASE("a TERM that has been told") {
        state.life.signals = 1U << SIGTERM;
        CHECK(s.next(s.engine).message.type == Msg::SIGNAL);
    }
    SUBCASE("the engine's word") {
        REQUIRE(s.ask(Msg::STOPPING, 0, StoppingBody{FinishMode::Exit}) == nullptr);
    }
    CHECK(state.stopping == kHelloStopping);
    CHECK(s.ask(Msg::STOPPING, 0, StoppingBody{FinishMode::Restart}) == nullptr);
    CHECK(state.stopping == kHelloStopping);
    CHECK(s.ask(Msg::FINISH, 0, FinishBody{FinishMode::Restart, 0, 0}) == nullptr);
    CHECK(state.finishing);
    CHECK(state.finish_mode == FinishMode::Exit);
}

TEST_CASE("SPAWN is limited to what a configuration can need") {
    PaperSpawner s(two_groups());
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 1, 0}) == nullptr);
    std::uint64_t when = UINT64_MAX;
    std::uint64_t now = mono_ms() + 100;
    REQUIRE(spawn_allowed(*s.state, now, when));
    REQUIRE(s.state->spawn_debt == 0);
    REQUIRE(s.ask(Msg::SPAWN, 0, SpawnBody{0}) == nullptr);
    CHECK(s.state->spawn_debt == 1000);
    s.state->spawn_debt = 63'500;
    CHECK(!spawn_allowed(*s.state, now, when));
    CHECK(when > now);
    CHECK(when <= now + 20);
    CHECK(spawn_allowed(*s.state, when, when));
    CHECK(spawn_allowed(*s.state, now + 1'000'000, when));
    CHECK(s.state->spawn_debt == 0);  // and never more than a burst
}

TEST_CASE("what the socket does not take is held, and nothing else is sent before it") {
    PaperSpawner s(two_groups());
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 1, 0}) == nullptr);
    int asked = 0;
    while (!s.state->engine.held.full && asked < 100'000) {
        REQUIRE(s.ask(Msg::CHECK, static_cast<std::uint32_t>(++asked), CheckBody{0}) == nullptr);
    }
    REQUIRE(s.state->engine.held.full);
    std::uint32_t seen = 0;
    for (Received r = s.next(s.engine); r.message.type != Msg{}; r = s.next(s.engine))
        CHECK(r.message.serial == ++seen);
    CHECK(static_cast<int>(seen) == asked - 1);
    s.state->engine.blocked = false;
    tell_all(*s.state);
    CHECK(!s.state->engine.held.full);
    CHECK(static_cast<int>(s.next(s.engine).message.serial) == asked);
}

TEST_CASE("the log writer names streams of the image") {
    PaperSpawner s(two_groups());
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 1, 0}) == nullptr);
    CHECK(log_asks(*s.state, Msg::OPEN, 5, OpenBody{0, static_cast<FileOp>(4)}) != nullptr);
    CHECK(log_asks(*s.state, Msg::OPEN, 5, OpenBody{2 * kMaxSlots, FileOp::Read}) != nullptr);
    CHECK(log_asks(*s.state, Msg::OPEN, 5, OpenBody{kConsoleStream, FileOp::Reopen}) != nullptr);
    CHECK(log_asks(*s.state, Msg::S_DRAINED, 5, DrainBody{kMaxSlots}) != nullptr);
    // No log is configured, and no such slot is active: no file, but no offence either.
    for (std::uint32_t stream : {0U, 1U, 99U}) {
        CHECK(log_asks(*s.state, Msg::OPEN, stream, OpenBody{stream, FileOp::Clear}) == nullptr);
        Received answer = s.next(s.log);
        CHECK(answer.message.type == Msg::LOGFILE);
        CHECK(answer.message.serial == stream);
        CHECK(answer.message.as<LogfileBody>().error == ENOENT);
        CHECK(answer.fd_count == 0);
    }
}

TEST_CASE("what the engine said of a slot before the log writer asks about it counts, though it is unread") {
    char path[] = "/tmp/reeve-slot-log-XXXXXX";
    UniqueFd(::mkstemp(path));
    PaperImage image = two_groups();
    image.groups[1][0].out = path;
    PaperSpawner s(image);
    REQUIRE(s.engine.send(Msg::ACTIVATE, 0, GroupBody{1, 1, 7}) == Send::Sent);
    REQUIRE(log_asks(*s.state, Msg::OPEN, 1, OpenBody{14, FileOp::Read}) == nullptr);
    Received answer = s.next(s.log);
    CHECK(answer.message.as<LogfileBody>().error == 0);
    CHECK(answer.fd_count == 1);
    ::unlink(path);
}

TEST_CASE("the main log changes over with the log writer's, but not to what is only read") {
    char path[] = "/tmp/reeve-main-log-XXXXXX";
    UniqueFd(::mkstemp(path));
    PaperImage image = two_groups();
    image.main_log = path;
    PaperSpawner s(image);
    auto same_file = [&] {
        struct stat ours {
        }, there{};
        return ::fstat(s.state->main_log.get(), &ours) == 0 && ::stat(path, &there) == 0 &&
               ours.st_ino == there.st_ino;
    };
    REQUIRE(log_asks(*s.state, Msg::OPEN, 1, OpenBody{kMainLogStream, FileOp::Reopen}) == nullptr);
    CHECK(same_file());
    REQUIRE(log_asks(*s.state, Msg::OPEN, 2, OpenBody{kMainLogStream, FileOp::Read}) == nullptr);
    CHECK((::fcntl(s.state->main_log.get(), F_GETFL) & O_ACCMODE) == O_WRONLY);
    REQUIRE(log_asks(*s.state, Msg::OPEN, 3, OpenBody{kMainLogStream, FileOp::Clear}) == nullptr);
    CHECK(same_file());
    CHECK((::fcntl(s.state->main_log.get(), F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND));
    for (int i = 0; i < 3; ++i) CHECK(s.next(s.log).fd_count == 1);
    ::unlink(path);
}

TEST_CASE("generations: unsealed and unsound images are refused, unused ones forgotten") {
    PaperSpawner s(two_groups());
    Table& table = s.state->table;
    // Whoever can still change an image could do so after it was looked at.
    for (int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_SEAL}) {
        CAPTURE(missing);
        int seals = PaperImage::kSeals & ~missing;
        CHECK(table.add_generation(two_groups().image(seals), PaperImage::view()) != nullptr);
        CHECK(table.add_generation(two_groups().image(), PaperImage::view(seals)) != nullptr);
    }
    UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));  // which has no seals
    CHECK(table.add_generation(std::move(file), PaperImage::view()) != nullptr);
    CHECK(table.add_generation(PaperImage::sealed(""), PaperImage::view()) != nullptr);
    UniqueFd long_view(::memfd_create("long", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(::ftruncate(long_view.get(), kMaxImage + 1) == 0);
    REQUIRE(::fcntl(long_view.get(), F_ADD_SEALS, PaperImage::kSeals) == 0);
    CHECK(table.add_generation(two_groups().image(), std::move(long_view)) != nullptr);
    CHECK(table.add_generation(PaperImage::sealed("no image"), PaperImage::view()) != nullptr);
    CHECK(table.newest() == 1);
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 1, 0}) == nullptr);
    for (int i = 0; i < 3; ++i)
        REQUIRE(table.add_generation(two_groups().image(), PaperImage::view()) == nullptr);
    CHECK(table.newest() == 4);
    CHECK(table.generation(1) != nullptr);  // its group is active
    CHECK(table.generation(2) == nullptr);
    CHECK(table.generation(3) == nullptr);
    CHECK(s.ask(Msg::ACTIVATE, 0, GroupBody{1, 0, 5}) != nullptr);  // not the newest any more
    REQUIRE(s.ask(Msg::DEACTIVATE, 0, GroupBody{1, 1, 0}) == nullptr);
    CHECK(table.generation(1) != nullptr);  // the daemon's own settings, servers and passwords stay
    CHECK(!table.boot().empty());
    CHECK(table.generation_from(0)->number == 1);
    REQUIRE(s.ask(Msg::ACTIVATE, 0, GroupBody{4, 1, 0}) == nullptr);
    REQUIRE(table.add_generation(two_groups().image(), PaperImage::view()) == nullptr);
    CHECK(table.generation(4) != nullptr);
    REQUIRE(s.ask(Msg::DEACTIVATE, 0, GroupBody{4, 1, 0}) == nullptr);
    CHECK(table.generation(4) == nullptr);
    CHECK(table.generation_from(2)->number == 5);
}
