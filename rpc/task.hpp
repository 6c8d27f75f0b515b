// What all tasks share: one call to the engine after the other, and what its refusals mean in HTTP.
//
// Every request makes at least one call, an Auth call if it needs nothing from the engine, because the
// password is checked there and comes before everything else: without it even an unknown path is answered by
// 401.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpcproto/value.hpp"
#include "rpc/connection.hpp"

namespace reeve {

// What is the same for all requests.
struct Site {
    EngineLink& engine;
    std::string version;       // of supervisord, for the footer
    std::string token;         // proves that a form came from a page of ours
    std::string node_name;     // of this machine
    std::int64_t started = 0;  // seconds since 1970: the age of the files we hold
    unsigned long salt = 0;    // another secret, for the XML parser
};

class EngineTask : public Task {
  public:
    EngineTask(Connection& connection, Site& site) : connection_(connection), site_(site) {}
    ~EngineTask() override;

    void on_reply(std::uint32_t call, Reply reply) final;

  protected:
    // A value or a fault, or what a stream brings. Refusals have been answered already.
    virtual void on_result(Reply reply) = 0;

    void call(CallKind kind, std::string_view method, std::vector<Value> args);
    void pull() { site_.engine.pull(call_); }
    const HttpRequest& request() const { return connection_.request(); }

    Connection& connection_;
    Site& site_;

  private:
    std::uint32_t call_ = 0;
    bool calling_ = false;
};

// Checks the credentials, then gives an answer that is known already.
class FixedAnswer : public EngineTask {
  public:
    FixedAnswer(Connection& connection, Site& site, Answer answer)
        : EngineTask(connection, site), answer_(std::move(answer)) {}
    void start() override { call(CallKind::Auth, {}, {}); }

  protected:
    void on_result(Reply reply) override {
        connection_.answer(reply.kind == ReplyKind::Value ? std::move(answer_) : error_answer(500));
    }

  private:
    Answer answer_;
};

}  // namespace reeve
