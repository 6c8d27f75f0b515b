// Methods that read and empty logs: requests to the log writer, whose answers become results and faults. See
// rpc_methods.hpp.
#include "daemon/engine/describe.hpp"
#include "daemon/engine/rpc_methods.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {
namespace {

// The string, the file's size, whether bytes were skipped.
Value tail_result(std::string bytes, std::int64_t offset, bool overflow) {
    Value result = Value::array();
    result.items().push_back(Value::string(std::move(bytes)));
    result.items().push_back(wire_int(offset));
    result.items().push_back(Value::boolean(overflow));
    return result;
}

}  // namespace

void RpcMethods::read_log(std::uint32_t stream, const std::string& path, std::int64_t offset,
                          std::int64_t length, Answer answer) {
    auto done = [path, answer = std::move(answer)](const DoneBody& body, std::string bytes) {
        switch (body.result) {
            case DoneResult::Ok: return answer(Value::string(std::move(bytes)));
            case DoneResult::NoFile: return answer(make_fault(FaultCode::NoFile, path));
            case DoneResult::BadArguments: return answer(make_fault(FaultCode::BadArguments));
            default: return answer(make_fault(FaultCode::Failed));
        }
    };
    supervisor_.log().read(stream, ReadMode::Read, offset, length, std::move(done));
}

void RpcMethods::read_main_log(const Arguments& args, Answer answer) {
    const EngineImage& image = supervisor_.newest().image();
    std::string path = log_path(image, image.daemon().log);
    if (path.empty()) return answer(make_fault(FaultCode::NoFile));
    std::int64_t offset = args.number(0);
    std::int64_t length = args.number(1);
    read_log(kMainLogStream, path, offset, length, std::move(answer));
}

void RpcMethods::clear_main_log(const Arguments&, Answer answer) {
    const EngineImage& image = supervisor_.newest().image();
    if (log_path(image, image.daemon().log).empty()) return answer(make_fault(FaultCode::NoFile));
    supervisor_.log().line(Level::Info, "reopening log file");
    supervisor_.log().clear(kMainLogStream, [answer = std::move(answer)](const DoneBody& body) {
        switch (body.result) {
            case DoneResult::Ok: return answer(Value::boolean(true));
            case DoneResult::NoFile: return answer(make_fault(FaultCode::NoFile));
            default: return answer(make_fault(FaultCode::Failed));
        }
    });
}

void RpcMethods::read_process_log(const Arguments& args, bool is_stderr, Answer answer) {
    MemberRef member = resolve_process(args.name(0));
    const ProcView& view = member->group().view(*member);
    std::string path = log_path(member->group().generation().image(), is_stderr ? view.err : view.out);
    if (path.empty()) return answer(make_fault(FaultCode::NoFile));
    std::int64_t offset = args.number(1);
    std::int64_t length = args.number(2);
    read_log(stream_of(member->slot(), is_stderr), path, offset, length, std::move(answer));
}

void RpcMethods::tail_process_log(const Arguments& args, bool is_stderr, Answer answer) {
    MemberRef member = resolve_process(args.name(0));
    const ProcView& view = member->group().view(*member);
    if (log_path(member->group().generation().image(), is_stderr ? view.err : view.out).empty()) {
        return answer(tail_result("", 0, false));
    }
    std::int64_t offset = args.number(1);
    std::int64_t length = args.number(2);
    auto done = [offset, answer = std::move(answer)](const DoneBody& body, std::string bytes) {
        switch (body.result) {
            case DoneResult::Ok: return answer(tail_result(std::move(bytes), body.size, body.overflow != 0));
            case DoneResult::NoFile: return answer(tail_result("", 0, false));
            default: return answer(tail_result("", offset, false));
        }
    };
    supervisor_.log().read(stream_of(member->slot(), is_stderr), ReadMode::Tail, offset, length,
                           std::move(done));
}

void RpcMethods::read_process_stdout_log(const Arguments& args, Answer answer) {
    read_process_log(args, false, std::move(answer));
}
void RpcMethods::read_process_stderr_log(const Arguments& args, Answer answer) {
    read_process_log(args, true, std::move(answer));
}
void RpcMethods::tail_process_stdout_log(const Arguments& args, Answer answer) {
    tail_process_log(args, false, std::move(answer));
}
void RpcMethods::tail_process_stderr_log(const Arguments& args, Answer answer) {
    tail_process_log(args, true, std::move(answer));
}

void RpcMethods::clear_process_logs(const Arguments& args, Answer answer) {
    const std::string& name = args.name(0);
    MemberRef member = resolve_process(name);
    clear_member_logs(surroundings_, member, name, answer_true(std::move(answer)));
}

void RpcMethods::clear_all_process_logs(const Arguments&, Answer answer) {
    auto act = [this](const MemberRef& member, const std::string& name, ActionDone done) {
        clear_member_logs(surroundings_, member, name, std::move(done));
    };
    visit_all(
        everybody(), [](const Process&) { return true; }, act, std::move(answer));
}

}  // namespace reeve
