// GET of /logtail and /mainlogtail: the end of a log, and then whatever is added to it.
//
// The bytes go out as they are. The next piece is asked for only when the last one has left, so a slow reader
// holds one piece in memory and no more.
#pragma once

#include <string>
#include <vector>

#include "rpc/task.hpp"

namespace reeve {

class StreamTask : public EngineTask {
  public:
    // args: the name and channel of a process, or nothing for the main log.
    StreamTask(Connection& connection, Site& site, std::vector<std::string> args)
        : EngineTask(connection, site), args_(std::move(args)) {}
    void start() override;
    void on_drained() override;

  protected:
    void on_result(Reply reply) override;

  private:
    std::vector<std::string> args_;
    bool pulled_ = false;
};

}  // namespace reeve
