// Owners for what libevent allocates, and the way from its C callbacks into members.
#pragma once

#include <event2/bufferevent.h>
#include <event2/event.h>

#include <exception>
#include <memory>
#include <new>

#include "common/base/log_line.hpp"

namespace reeve {

struct EventFree {
    void operator()(event* e) const { event_free(e); }
};
using EventPtr = std::unique_ptr<event, EventFree>;

struct BuffereventFree {
    void operator()(bufferevent* b) const { bufferevent_free(b); }
};
using BuffereventPtr = std::unique_ptr<bufferevent, BuffereventFree>;

// Runs what a callback does. libevent is C code that no exception may pass through; the only ones that can
// arise here say that memory is short, and then this process is better replaced (the spawner does that).
template <typename Action>
void guarded(Action action) noexcept {
    try {
        action();
    } catch (const std::exception& error) {
        die("an exception reached the event loop", error.what());
    }
}

// An event whose callback is a member function without arguments.
template <auto Member, typename Object>
EventPtr make_event(event_base* base, int fd, short what, Object* object) {
    EventPtr made(event_new(
        base, fd, what,
        [](evutil_socket_t, short, void* context) {
            guarded([&] { (static_cast<Object*>(context)->*Member)(); });
        },
        object));
    if (made == nullptr) throw std::bad_alloc();
    return made;
}

// A timer that fires once, `milliseconds` from now.
inline void start_timer(const EventPtr& timer, int milliseconds) {
    const timeval after{milliseconds / 1000, (milliseconds % 1000) * 1000};
    event_add(timer.get(), &after);
}

}  // namespace reeve
