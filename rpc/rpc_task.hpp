// POST to /RPC2: one XML-RPC call.
#pragma once

#include "rpc/task.hpp"

namespace reeve {

class RpcTask : public EngineTask {
  public:
    using EngineTask::EngineTask;
    void start() override;

  protected:
    void on_result(Reply reply) override;

  private:
    bool sent_ = false;  // the body was a call
};

}  // namespace reeve
