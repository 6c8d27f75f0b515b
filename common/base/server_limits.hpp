// What clients of one server may do: keys of its section, which the configuration reader writes into the
// image and the spawner passes on to the front.
#pragma once

#include <cstdint>

namespace reeve {

struct ServerLimits {
    std::uint32_t header_line;      // bytes
    std::uint32_t headers;          // bytes
    std::uint32_t body;             // bytes
    std::uint32_t request_seconds;  // to send a whole request
    std::uint32_t connections;
};

}  // namespace reeve
