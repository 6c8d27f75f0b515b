// For LD_PRELOAD: a wall clock that is set back and forth, as the process that loads this sees it.
//
// CLOCK_PLAN="T S T S ...": from the CLOCK_MONOTONIC second T on, CLOCK_REALTIME is S seconds ahead.
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#include <cstdlib>

namespace {

constexpr int kMost = 8;
double moments[kMost];
long shifts[kMost];
int steps = 0;

using ClockGettime = int (*)(clockid_t, timespec*);

int real_clock(clockid_t clock, timespec* out) {
    static const auto next = reinterpret_cast<ClockGettime>(::dlsym(RTLD_NEXT, "clock_gettime"));
    return next(clock, out);
}

__attribute__((constructor)) void read_plan() {
    const char* at = std::getenv("CLOCK_PLAN");
    while (at != nullptr && *at != '\0' && steps < kMost) {
        char* end = nullptr;
        moments[steps] = std::strtod(at, &end);
        shifts[steps] = std::strtol(end, &end, 10);
        ++steps;
        at = end;
    }
    timespec now{};
    real_clock(CLOCK_MONOTONIC, &now);  // dlsym() while everything is still allowed
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) {
    int result = real_clock(clock, out);
    if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
    timespec now{};
    real_clock(CLOCK_MONOTONIC, &now);
    double seconds = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    long shift = 0;
    for (int i = 0; i < steps && moments[i] <= seconds; ++i) shift = shifts[i];
    out->tv_sec += shift;
    return 0;
}

int gettimeofday(timeval* out, void*) {
    timespec now{};
    int result = clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t* out) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}

}  // extern "C"
