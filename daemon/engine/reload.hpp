// Reading the configuration again: one request at a time goes to the spawner; those that come meanwhile are
// answered by one more reading after it, since the files may have changed since the first began.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemon/engine/spawner_link.hpp"

namespace reeve {

class Reload {
  public:
    // "": there is a new generation; else why not, as a user must be told.
    using Done = std::function<void(const std::string& error)>;

    explicit Reload(SpawnerLink& spawner) : spawner_(spawner) {}

    void request(Done done);
    // Now, or when the reading under way is over. While one is, the newest generation that the engine knows may
    // not be the spawner's any more.
    void when_over(std::function<void()> then);
    bool pending(std::uint32_t number) const { return running_ && number == number_; }
    // The answer to request `number` has come; false if none is outstanding.
    bool on_answer(std::uint32_t number, const std::string& error);

  private:
    void begin();

    SpawnerLink& spawner_;
    bool running_ = false;
    std::uint32_t number_ = 0;
    std::vector<Done> current_;
    std::vector<Done> next_;
};

}  // namespace reeve
