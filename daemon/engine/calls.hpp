// The calls of the front: methods go to RpcMethods and their outcome back as replies; log streams are bridged
// between the log writer and the front, one piece for each that the front asks for.
#pragma once

#include <cstdint>
#include <map>

#include "daemon/engine/front_link.hpp"
#include "daemon/engine/rpc_methods.hpp"

namespace reeve {

class Supervisor;

class Calls {
  public:
    Calls(Supervisor& supervisor, Surroundings& surroundings);

    void on_call(Call call);
    void on_pull(std::uint32_t id);
    void on_cancel(std::uint32_t id);

  private:
    struct Stream {
        std::uint32_t follow;
        bool open = false;
    };

    void on_method(Call call);
    void on_tail(std::uint32_t id, std::uint32_t stream);
    void reply(std::uint32_t id, const std::string& method, Outcome outcome, bool at_once);

    Supervisor& supervisor_;
    RpcMethods methods_;
    std::map<std::uint32_t, Stream> streams_;  // by request
};

}  // namespace reeve
