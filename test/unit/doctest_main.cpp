// The main function of the unit tests. SIGPIPE is ignored, as in all that has channels.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <signal.h>

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    return doctest::Context(argc, argv).run();
}
