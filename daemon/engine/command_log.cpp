// Lines about commands. See command_log.hpp.
#include "daemon/engine/command_log.hpp"

#include <algorithm>
#include <utility>

#include "common/text/py_repr.hpp"
#include "daemon/engine/front_link.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMostBytes = 400;   // bytes of a text of the client
constexpr std::size_t kMaxArguments = 4;  // no method takes more

std::string_view cut(std::string_view text) {
    if (text.size() <= kMostBytes) return text;
    std::size_t size = kMostBytes;
    while (size > kMostBytes - 4 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

std::string quoted(std::string_view text) {
    return py_repr(cut(text)) + (text.size() > kMostBytes ? "..." : "");
}

// What is for a program or a listener is told by its size only.
bool is_private(Method method, std::size_t index) {
    return (method == Method::SendProcessStdin || method == Method::SendRemoteCommEvent) && index > 0;
}

std::string argument(Method method, std::size_t index, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::Array: return "[...]";
        case Value::Kind::Struct: return "{...}";
        case Value::Kind::String:
            if (is_private(method, index)) return "<" + std::to_string(value.as_string().size()) + " bytes>";
            return quoted(value.as_string());
        default: return is_private(method, index) ? "<...>" : shown(value);
    }
}

std::string arguments(Method method, std::span<const Value> args) {
    std::string text = "(";
    for (std::size_t i = 0; i < std::min(args.size(), kMaxArguments); ++i)
        text += (i > 0 ? ", " : "") + argument(method, i, args[i]);
    return text + (args.size() > kMaxArguments ? ", ...)" : ")");
}

// true, or how many of those concerned are well, or what a reading of the configuration has found.
std::string result_text(Method method, const Value& value) {
    if (!value.is(Value::Kind::Array)) return "OK";
    if (method == Method::ReloadConfig) return "OK " + one_line(shown(value));
    const auto well = std::count_if(value.items().begin(), value.items().end(), [](const Value& one) {
        const Value* status = one.member("status");
        return status != nullptr && status->as_int() == static_cast<int>(FaultCode::Success);
    });
    return std::to_string(well) + " of " + std::to_string(value.items().size()) + " OK";
}

std::string outcome_text(Method method, const Outcome& outcome) {
    if (const auto* value = std::get_if<Value>(&outcome)) return result_text(method, *value);
    const auto* fault = std::get_if<Fault>(&outcome);
    if (fault == nullptr) return "HTTP 500";
    std::string_view text = fault->text;
    // This fault repeats the argument that was wrong.
    if (fault->code == FaultCode::IncorrectParameters) text = text.substr(0, text.find(':'));
    return "fault " + std::to_string(static_cast<int>(fault->code)) + " " + one_line(text);
}

}  // namespace

Origin origin_of(const Call& call) {
    std::string text = one_line(call.address);
    if (call.peer_uid != kNoPeerUid) text = "uid " + std::to_string(call.peer_uid) + " on " + text;
    if (!call.user.empty()) text += " as " + quoted(call.user);
    if (call.kind == CallKind::Page) text += " (web page)";
    return std::make_shared<const std::string>(std::move(text));
}

std::string one_line(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (plain && text.size() <= kMostBytes) return std::string(text);
    std::string literal = quoted(text);
    const std::size_t end = literal.rfind(literal.front());
    return literal.erase(end, 1).erase(0, 1);
}

Answer logged(Log& log, std::string_view name, const MethodRow& method, std::span<const Value> args,
              const Origin& origin, Answer answer) {
    const Level level = method.method == Method::SendRemoteCommEvent ? Level::Debug : Level::Info;
    // The calls within a multicall have lines of their own.
    if (only_reads(method.method) || method.method == Method::Multicall || !log.wants(level)) return answer;
    return [&log, level, kind = method.method, origin, answer = std::move(answer),
            call = std::string(name) + arguments(method.method, args)](Outcome outcome) {
        log.line(level,
                 "command: " + call + " by " + (origin ? *origin : "?") + ": " + outcome_text(kind, outcome));
        answer(std::move(outcome));
    };
}

}  // namespace reeve
