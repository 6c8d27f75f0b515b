// Stopping everything, for an exit or a restart: groups from the highest priority number down, one after the
// other; the processes of a group together, in descending priority.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/engine/group.hpp"
#include "daemon/engine/process_state.hpp"

namespace reeve {

class Shutdown {
  public:
    // groups: the active ones, ascending. front_busy: answers are still on their way to clients.
    Shutdown(Surroundings& surroundings, const std::vector<std::unique_ptr<Group>>& groups,
             std::function<bool()> front_busy);

    Mood mood() const { return mood_; }

    // Restarting while a shutdown is under way is ignored; a shutdown during a restart turns it into an exit.
    void begin(Mood mood);
    // Goes on where a dead engine stopped; listeners have been told.
    void resume(Mood mood);
    // A process has changed its state.
    void step();

  private:
    FinishMode mode() const { return mood_ == Mood::Restarting ? FinishMode::Restart : FinishMode::Exit; }
    void list_groups();
    void report();
    void finish();

    Surroundings& surroundings_;
    const std::vector<std::unique_ptr<Group>>& groups_;
    std::function<bool()> front_busy_;
    Mood mood_ = Mood::Running;
    bool finished_ = false;
    bool reporting_ = false;
    int patience_ = 0;          // turns left to wait for the front
    std::vector<Group*> left_;  // the last one is being stopped
    std::unique_ptr<Timer> report_timer_;
    std::unique_ptr<Timer> finish_timer_;
};

}  // namespace reeve
