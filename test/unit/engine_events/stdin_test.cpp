// Writing to pipes that are full, closed, or slow.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "daemon/engine/stdin_queue.hpp"
#include "test/unit/engine_events/fakes.hpp"

using namespace reeve;

namespace {

struct Pipe {
    UniqueFd read_end, write_end;
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
        ::signal(SIGPIPE, SIG_IGN);
    }
    std::string read(std::size_t most) {
        std::string out(most, '\0');
        ssize_t got = ::read(read_end.get(), out.data(), most);
        out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return out;
    }
};

}  // namespace

TEST_CASE("what does not fit into the pipe is kept and goes later, in order") {
    FakeLoop loop;
    Pipe pipe;
    int drained = 0, closed = 0;
    StdinQueue queue(
        loop, std::move(pipe.write_end), [&] { ++drained; }, [&] { ++closed; });
    CHECK(queue.write("") == StdinQueue::Result::Taken);
    CHECK(queue.write("first") == StdinQueue::Result::Taken);
    CHECK(queue.pending() == 0);
    CHECK(pipe.read(100) == "first");

    std::string large;
    for (int i = 0; large.size() < 600'000; ++i) large += std::to_string(i) + ",";
    CHECK(queue.write(large) == StdinQueue::Result::Taken);
    CHECK(queue.pending() > 0);
    CHECK(queue.write("last") == StdinQueue::Result::Taken);
    CHECK(queue.write(std::string(kMaxStdinQueue, 'x')) == StdinQueue::Result::Full);
    CHECK(queue.write(std::string(kMaxStdinQueue, 'x'), true) == StdinQueue::Result::Full);
    CHECK(drained == 0);
    std::string got;
    while (got.size() < large.size() + 4) {
        got += pipe.read(65536);
        loop.run_watches();
    }
    CHECK(got == large + "last");
    CHECK(drained == 1);
    CHECK(closed == 0);
    CHECK(queue.write(std::string(kMaxStdinQueue + 1, 'x')) == StdinQueue::Result::Full);
    CHECK(queue.write(std::string(kMaxStdinQueue + 1, 'x'), true) == StdinQueue::Result::Taken);
}

TEST_CASE("a closed pipe is told at once, or later for what was queued") {
    FakeLoop loop;
    Pipe pipe;
    int closed = 0;
    StdinQueue queue(loop, std::move(pipe.write_end), {}, [&] { ++closed; });
    SUBCASE("at once") {
        pipe.read_end.reset();
        CHECK(queue.write("x") == StdinQueue::Result::Closed);
    }
    SUBCASE("later") {
        CHECK(queue.write(std::string(500'000, 'x')) == StdinQueue::Result::Taken);
        pipe.read_end.reset();
        loop.run_watches();
        CHECK(closed == 1);
        CHECK(queue.pending() == 0);
    }
    CHECK_FALSE(queue.open());
    CHECK(queue.write("x") == StdinQueue::Result::Closed);
    CHECK(queue.write("") == StdinQueue::Result::Closed);
}

TEST_CASE("a callback may destroy the queue") {
    FakeLoop loop;
    Pipe pipe;
    std::unique_ptr<StdinQueue> queue;
    queue = std::make_unique<StdinQueue>(
        loop, std::move(pipe.write_end), [&] { queue.reset(); }, [] {});
    CHECK(queue->write(std::string(70'000, 'x')) == StdinQueue::Result::Taken);
    pipe.read(65536);
    loop.run_watches();
    CHECK(queue == nullptr);
}

TEST_CASE("without a descriptor it is closed from the beginning") {
    FakeLoop loop;
    StdinQueue queue(loop, UniqueFd(), {}, {});
    CHECK(queue.write("x") == StdinQueue::Result::Closed);
}
