// supervisord: the only process of the daemon that keeps root. It is the one in the pidfile and the parent of
// all programs; it starts and reaps them, opens their logs and the servers' sockets, and leaves every
// decision to the unprivileged parts that it starts and watches. See ARCHITECTURE.md, and AUDIT in this
// folder.
#include <new>

#include "spawner/loop.hpp"
#include "spawner/startup.hpp"

int main(int argc, char** argv) {
    // Made in place: no constructor runs before main, and none of it is ever destroyed.
    alignas(reeve::State) static unsigned char memory[sizeof(reeve::State)];
    auto& state = *new (memory) reeve::State;
    state.argc = argc;
    state.argv = argv;
    reeve::start_up(state);
    reeve::run_loop(state);
}
