// Status page, actions and tail page. See web_task.hpp.
#include "rpc/web_task.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "rpc/guard.hpp"
#include "rpc/page.hpp"

namespace reeve {
namespace {

constexpr std::int32_t kFaultBadName = 10;
constexpr std::int32_t kFaultNoFile = 20;
constexpr std::int32_t kFaultNotExecutable = 21;
constexpr std::int32_t kFaultAbnormalTermination = 40;
constexpr std::int32_t kFaultSpawnError = 50;
constexpr std::int32_t kFaultAlreadyStarted = 60;
constexpr std::int64_t kLeastTail = 1024;
constexpr std::int64_t kMostTail = 16 * 1024 * 1024;

std::string text_of(const Fields& fields, std::string_view name) {
    const std::string* value = find_field(fields, name);
    return value == nullptr ? std::string() : *value;
}

std::string unexpected(const Reply& fault) {
    return "unexpected rpc fault [" + std::to_string(fault.code) + "] " + fault.data;
}

class StatusTask : public EngineTask {
  public:
    StatusTask(Connection& connection, Site& site, std::string message)
        : EngineTask(connection, site), message_(std::move(message)) {}
    void start() override { call(CallKind::Page, "supervisor.getAllProcessInfo", {}); }

  protected:
    void on_result(Reply reply) override {
        std::optional<Value> processes;
        if (reply.kind == ReplyKind::Value) processes = decode(reply.data);
        if (!processes)
            return connection_.answer(error_answer(500, reply.kind == ReplyKind::Fault ? reply.data : ""));
        const std::time_t now = std::time(nullptr);
        std::tm tm{};
        localtime_r(&now, &tm);
        connection_.answer(
            page_answer(status_page({*processes, message_, site_.version, site_.token, tm.tm_year + 1900})));
    }

  private:
    std::string message_;
};

// An action that needs up to two calls of its own, after one that checks the name.
class ActionTask : public EngineTask {
  public:
    ActionTask(Connection& connection, Site& site, std::string action, std::string process)
        : EngineTask(connection, site), action_(std::move(action)), process_(std::move(process)) {}

    void start() override {
        if (action_ == "refresh") {
            call(CallKind::Auth, {}, {});
        } else if (action_ == "stopall" || action_ == "restartall") {
            step_ = 1;
            all("supervisor.stopAllProcesses");
        } else {
            call(CallKind::Page, "supervisor.getProcessInfo", {Value::string(process_)});
        }
    }

  protected:
    void on_result(Reply reply) override {
        const bool fault = reply.kind == ReplyKind::Fault;
        if (process_.empty()) return on_all_result(fault, reply);
        const int step = step_++;
        if (step == 0) {
            if (fault && reply.code == kFaultBadName) return tell("No such process named " + process_);
            if (fault) return connection_.answer(error_answer(500, reply.data));
            if (action_ == "start") return one("supervisor.startProcess");
            if (action_ == "clearlog") return one("supervisor.clearProcessLogs");
            return one("supervisor.stopProcess");
        }
        if (action_ == "restart") {  // errors don't matter, as long as the start has been tried
            if (step == 1) return one("supervisor.startProcess");
            return tell("Process " + process_ + " restarted");
        }
        if (action_ == "start") return tell(fault ? start_error(reply) : "Process " + process_ + " started");
        if (fault) return tell(unexpected(reply));
        if (action_ == "stop") return tell("Process " + process_ + " stopped");
        tell("Log for " + process_ + " cleared");
    }

  private:
    void one(std::string_view method) { call(CallKind::Page, method, {Value::string(process_)}); }
    void all(std::string_view method) { call(CallKind::Page, method, {Value::boolean(true)}); }

    void on_all_result(bool fault, const Reply& reply) {
        if (fault) return connection_.answer(error_answer(500, reply.data));
        const std::string now = local_time(std::time(nullptr));
        if (action_ == "refresh") return tell("Page refreshed at " + now);
        if (action_ == "stopall") return tell("All stopped at " + now);
        if (step_++ == 1) return all("supervisor.startAllProcesses");
        tell("All restarted at " + now);
    }

    std::string start_error(const Reply& fault) const {
        const std::string prefix = "ERROR: Process " + process_ + ": ";
        switch (fault.code) {
            case kFaultNoFile: return prefix + "no such file";
            case kFaultNotExecutable: return prefix + "file not executable";
            case kFaultAlreadyStarted: return prefix + "already started";
            case kFaultSpawnError: return prefix + "spawn error";
            case kFaultAbnormalTermination: return prefix + "abnormal termination";
            default: return prefix + unexpected(fault);
        }
    }

    void tell(const std::string& message) {
        connection_.answer(redirect_answer(base_url(request()), message));
    }

    std::string action_;
    std::string process_;  // "" for the actions on all
    int step_ = 0;
};

class TailTask : public EngineTask {
  public:
    TailTask(Connection& connection, Site& site, std::string process, std::int64_t limit)
        : EngineTask(connection, site), process_(std::move(process)), limit_(limit) {}

    void start() override {
        if (process_.empty()) return call(CallKind::Auth, {}, {});
        call(CallKind::Page, "supervisor.readProcessStdoutLog",
             {Value::string(process_), Value::integer(-limit_), Value::integer(0)});
    }

  protected:
    void on_result(Reply reply) override {
        std::string text;
        if (process_.empty()) {
            text = "No process name found";
        } else if (reply.kind == ReplyKind::Fault) {
            text = reply.code == kFaultNoFile ? "No file for " + process_ : "ERROR: " + unexpected(reply);
        } else {
            const std::optional<Value> log = decode(reply.data);
            if (!log) return connection_.answer(error_answer(500));
            text = log->as_string();
        }
        const std::string title = process_.empty() ? "None" : process_;
        connection_.answer(page_answer(tail_page(title, process_, std::to_string(limit_), text)));
    }

  private:
    std::string process_;
    std::int64_t limit_;
};

bool known_action(std::string_view action, bool& needs_process) {
    needs_process = action == "start" || action == "stop" || action == "restart" || action == "clearlog";
    return needs_process || action == "refresh" || action == "stopall" || action == "restartall";
}

}  // namespace

Fields request_fields(const HttpRequest& request, std::string_view query) {
    Fields fields;
    const std::string_view type = request.header("content-type");
    const bool form = type.empty() || lower_case(type).starts_with("application/x-www-form-urlencoded");
    if (request.method == "POST" && form) fields = parse_fields(request.body);
    for (auto& field : parse_fields(query)) fields.push_back(std::move(field));
    return fields;
}

std::unique_ptr<Task> make_status_task(Connection& connection, Site& site, std::string_view query) {
    const HttpRequest& request = connection.request();
    const Fields fields = request_fields(request, query);
    const std::string action = text_of(fields, "action");
    std::string process = text_of(fields, "processname");
    if (action.empty()) return std::make_unique<StatusTask>(connection, site, text_of(fields, "message"));

    bool needs_process = false;
    if (!known_action(action, needs_process)) {
        return std::make_unique<FixedAnswer>(connection, site, error_answer(500, "There is no such action."));
    }
    if (needs_process && process.empty()) {
        return std::make_unique<FixedAnswer>(connection, site,
                                             error_answer(500, "The action needs a processname."));
    }
    if (!needs_process) process.clear();
    const bool meant = action == "refresh" || text_of(fields, "token") == site.token ||
                       !is_browser(request) || has_same_origin(request, connection.endpoint());
    if (!meant) {
        return std::make_unique<FixedAnswer>(connection, site,
                                             page_answer(confirm_page(action, process, site.token)));
    }
    return std::make_unique<ActionTask>(connection, site, action, std::move(process));
}

std::unique_ptr<Task> make_tail_task(Connection& connection, Site& site, std::string_view query) {
    const Fields fields = request_fields(connection.request(), query);
    const std::string text = text_of(fields, "limit");
    std::int64_t limit = kLeastTail;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (end != text.data() + text.size() || (error == std::errc{} && limit < 0)) limit = kLeastTail;
    if (error == std::errc::result_out_of_range) limit = kMostTail;
    limit = std::clamp(limit, kLeastTail, kMostTail);
    return std::make_unique<TailTask>(connection, site, text_of(fields, "processname"), limit);
}

}  // namespace reeve
