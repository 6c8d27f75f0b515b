// Log streams. See stream_task.hpp.
#include "rpc/stream_task.hpp"

#include <utility>

#include "rpc/text.hpp"

namespace reeve {

void StreamTask::start() {
    std::vector<Value> args;
    for (const std::string& arg : args_) args.push_back(Value::string(arg));
    call(args_.empty() ? CallKind::MainLogTail : CallKind::LogTail, {}, std::move(args));
}

void StreamTask::on_result(Reply reply) {
    switch (reply.kind) {
        case ReplyKind::StreamOpen: {
            Answer head;
            head.header("Last-Modified", http_date(reply.mtime))
                .header("Content-Type", "text/plain;charset=utf-8");
            if (!args_.empty()) head.header("X-Accel-Buffering", "no");
            head.header("X-Content-Type-Options", "nosniff");
            connection_.start_stream(std::move(head));
            break;  // the first piece is asked for when the headers have left
        }
        case ReplyKind::StreamData:
            pulled_ = false;
            connection_.send_piece(reply.data);
            if (reply.data.empty()) on_drained();
            break;
        case ReplyKind::StreamEnd: connection_.end_stream(); break;
        default: connection_.answer(error_answer(500));
    }
}

void StreamTask::on_drained() {
    if (pulled_) return;
    pulled_ = true;
    pull();
}

}  // namespace reeve
