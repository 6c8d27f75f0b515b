// POST to /RPC2. A body that is no call is answered by 400, but like everything else only to those who may
// call.
#include "rpc/rpc_task.hpp"

#include <utility>

#include "rpc/xml_decode.hpp"
#include "rpc/xml_write.hpp"

namespace reeve {

void RpcTask::start() {
    XmlCallDecoder decoder(site_.salt);
    XmlCall decoded;
    sent_ = decoder.decode(request().body, decoded);
    if (sent_) {
        call(CallKind::Rpc, decoded.method, std::move(decoded.params));
    } else {
        call(CallKind::Auth, {}, {});
    }
}

void RpcTask::on_result(Reply reply) {
    if (!sent_) return connection_.answer(error_answer(400));
    std::string xml;
    if (reply.kind == ReplyKind::Fault) {
        xml = write_fault(reply.code, reply.data);
    } else if (!write_result(reply.data, xml)) {
        return connection_.answer(error_answer(500));
    }
    Answer answer;
    answer.content("text/xml", std::move(xml));
    connection_.answer(std::move(answer));
}

}  // namespace reeve
