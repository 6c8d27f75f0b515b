// Calls on behalf of a request. See task.hpp.
#include "rpc/task.hpp"

#include <utility>

namespace reeve {

EngineTask::~EngineTask() {
    if (calling_) site_.engine.abandon(call_);
}

void EngineTask::call(CallKind kind, std::string_view method, std::vector<Value> args) {
    std::string encoded;
    encode(Value::array(std::move(args)), encoded);
    if (encoded.size() > EngineLink::kMaxArgs) return connection_.answer(error_answer(400));
    calling_ = true;
    call_ = site_.engine.call(connection_.caller(), kind, method, std::move(encoded), *this);
}

void EngineTask::on_reply(std::uint32_t, Reply reply) {
    if (reply.kind != ReplyKind::StreamOpen && reply.kind != ReplyKind::StreamData) calling_ = false;
    switch (reply.kind) {
        case ReplyKind::Unauthorized: return connection_.answer(unauthorized());
        case ReplyKind::BadRequest: return connection_.answer(error_answer(400));
        case ReplyKind::NotFound: return connection_.answer(error_answer(404));
        case ReplyKind::ServerError:
            if (reply.no_engine)
                return connection_.answer(error_answer(503, "The engine of supervisord does not answer."));
            return connection_.answer(error_answer(500));
        default: return on_result(std::move(reply));
    }
}

}  // namespace reeve
