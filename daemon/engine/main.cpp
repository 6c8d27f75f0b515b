// supervisor-engine: decides what runs. Born by the spawner with one channel (kPartSpawnerFd); everything
// else - configuration, peers, pipes - comes over it. Ends when that channel ends.
#include <event2/event.h>
#include <signal.h>
#include <time.h>

#include <cstdio>

#include "common/sandbox/enter.hpp"
#include "daemon/engine/libevent_loop.hpp"
#include "daemon/engine/supervisor.hpp"

int main() {
    using namespace reeve;
    ::tzset();
    time_t now = ::time(nullptr);
    tm local{};
    ::localtime_r(&now, &local);  // opens the time zone's file, which is out of reach later
    ::signal(SIGPIPE, SIG_IGN);   // a child may close its stdin

    event_base* base = ::event_base_new();
    if (base == nullptr) {
        std::fputs("supervisor-engine: cannot make an event loop\n", stderr);
        return 70;
    }
    enter_sandbox(SandboxPart::Engine);

    LibeventLoop loop(base);
    int status = 0;
    {
        Supervisor supervisor(loop, UniqueFd(kPartSpawnerFd), [&](const char* violation) {
            if (violation != nullptr) {
                std::fprintf(stderr, "supervisor-engine: the spawner sent %s\n", violation);
                status = 70;
            }
            ::event_base_loopbreak(base);
        });
        ::event_base_dispatch(base);
    }
    ::event_base_free(base);
    return status;
}
