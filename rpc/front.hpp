// The front as a whole: takes what the spawner sends, and finds the task for each request.
//
// From the spawner come the edge to the engine and the listening sockets; nothing goes back. When that edge
// ends, the service ends: what the engine has answered is still sent on, for a moment at most, and the
// process exits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/channel.hpp"
#include "rpc/server.hpp"
#include "rpc/task.hpp"

namespace reeve {

class Front : public TaskMaker {
  public:
    // token, salt: random. The listening sockets and the engine come later.
    Front(event_base* base, UniqueFd spawner, std::string token, unsigned long salt, std::string node_name);
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    std::unique_ptr<Task> make_task(Connection& connection) override;

  private:
    static constexpr int kFlushMs = 1000;  // for the last answers
    static constexpr int kFlushStepMs = 10;

    void on_spawner();
    // False if the message breaks the order or holds numbers that make no sense.
    bool on_message(Received& received);
    bool on_start(const Message& message);
    void on_end();
    void on_flush();

    event_base* base_;
    Channel spawner_;
    EventPtr spawner_readable_;
    EventPtr flush_;
    std::unique_ptr<ReceiveBuffer> buffer_;
    EngineLink engine_;
    Site site_;
    Server server_;
    bool greeted_ = false;
    bool started_ = false;
    int flush_left_ = kFlushMs / kFlushStepMs;
};

}  // namespace reeve
