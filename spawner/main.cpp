// supervisord: the only process of the daemon that keeps root. It is the one in the pidfile and the parent of
// all programs; it starts and reaps them, opens their logs and the servers' sockets, and leaves every
// decision to the unprivileged parts that it starts and watches. See ARCHITECTURE.md, and AUDIT in this
// folder.
#include <sys/auxv.h>

#include <cstring>
#include <new>

#include "spawner/loop.hpp"
#include "spawner/startup.hpp"

int main(int argc, char** argv) {
    // Made in place: no constructor runs before main, and none of it is ever destroyed.
    alignas(reeve::State) static unsigned char memory[sizeof(reeve::State)];
    auto& state = *new (memory) reeve::State;
    state.argc = argc;
    state.argv = argv;
    // Found through PATH: the configuration is looked for beside the path that was found. argv keeps it for a
    // restart, which runs another path.
    unsigned long path = ::getauxval(AT_EXECFN);
    if (argc > 0 && path != 0 && std::strchr(argv[0], '/') == nullptr) {
        argv[0] = reinterpret_cast<char*>(path);
    }
    reeve::start_up(state);
    reeve::run_loop(state);
}
