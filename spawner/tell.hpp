// Everything that the spawner says to its parts. It has no queue: what is to be told is a bit somewhere in
// the state, and the message is made here when the part's socket can take it.
#pragma once

#include "spawner/logfile.hpp"
#include "spawner/state.hpp"

namespace reeve {

// Sends what can be sent now to all parts.
void tell_all(State& state);

// The descriptors of a slot that belong to the engine, with their kFd... flags.
struct EngineFds {
    int fds[2];
    std::size_t count = 0;
    std::uint32_t flags = 0;
    std::span<const int> all() const { return {fds, count}; }
};
EngineFds engine_fds(State& state, const Slot& slot);

// Tells the log writer of a child's output: its pipe, and the log file, which may be missing: then the log
// writer asks for it later. False: the socket takes nothing now, and the slot's bit is to stay set.
bool tell_stream(State& state, const Slot& slot, bool is_stderr, const FileResult& file);

// Sends one message. False: the socket takes nothing now (or is gone), and the caller keeps its bit.
bool tell_raw(Part& part, Msg type, std::uint32_t serial, std::span<const std::byte> body,
              std::span<const std::byte> tail, std::span<const int> fds);
template <typename Body>
bool tell(Part& part, Msg type, std::uint32_t serial, const Body& body, std::span<const std::byte> tail = {},
          std::span<const int> fds = {}) {
    return tell_raw(part, type, serial, {reinterpret_cast<const std::byte*>(&body), kBodySize<Body>}, tail,
                    fds);
}

}  // namespace reeve
