// tail, maintail and clear: logs of processes and of supervisord itself.
#include <cstdio>

#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"
#include "ctl/commands/table.hpp"
#include "ctl/process_list.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

constexpr std::int64_t kDefaultBytes = 1600;

// Prints a log as it grows, until Ctrl-C or the server's end.
void follow(Session& session, const std::string& path, const std::string& shown_path) {
    session.out.line("==> Press Ctrl-C to exit <==");
    session.out.flush();
    auto stream = session.client.open_stream(path);
    try {
        while (!stream->ended()) {
            session.client.wait();
            session.out.put(stream->take());
            session.out.flush();
        }
    } catch (const Interrupted&) {
        session.out.line("");
    }
    if (std::string problem = stream->problem(); !problem.empty())
        std::fprintf(stderr, "%s%s %s\n", session.client.url().c_str(), shown_path.c_str(), problem.c_str());
}

// Prints the end of a log; `name` is for errors.
void print_end(Session& session, const char* method, std::vector<Value> parameters, std::int64_t bytes,
               const std::string& name) {
    parameters.push_back(Value::integer(-bytes));  // an offset: so many bytes before the end
    parameters.push_back(Value::integer(0));
    try {
        session.out.line(session.client.call(method, parameters).as_string());
    } catch (const RpcFault& error) {
        switch (error.code) {
            case fault::kNoFile: return session.fail(name + ": ERROR (no log file)");
            case fault::kFailed: return session.fail(name + ": ERROR (unknown error reading log)");
            case fault::kBadName: return session.fail(name + ": ERROR (no such process name)");
            default: throw;
        }
    }
}

// "-f" or "-NUMBER".
struct Modifier {
    bool follow = false;
    std::int64_t bytes = kDefaultBytes;
};
std::optional<Modifier> parse_modifier(const std::string& word) {
    if (word == "-f") return Modifier{.follow = true};
    if (!word.starts_with('-')) return std::nullopt;
    auto number = parse_number(word.substr(1));
    if (!number) return std::nullopt;
    return Modifier{.bytes = *number};
}

}  // namespace

void do_tail(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> words = split_words(argument);
    if (words.empty()) return session.usage_error("Error: too few arguments", "tail");
    if (words.size() > 3) return session.usage_error("Error: too many arguments", "tail");
    std::string modifier_word;
    if (words.front().starts_with('-')) {
        modifier_word = words.front();
        words.erase(words.begin());
    }
    if (words.empty()) return session.fail("Error: tail requires process name");
    const std::string& name = words.front();
    std::string channel = words.size() > 1 ? to_lower(words.back()) : "stdout";
    if (channel != "stdout" && channel != "stderr")
        return session.fail("Error: bad channel " + py_repr(channel));
    Modifier modifier;
    if (!modifier_word.empty()) {
        auto parsed = parse_modifier(modifier_word);
        if (!parsed) return session.fail("Error: bad argument " + modifier_word);
        modifier = *parsed;
    }
    if (modifier.follow) {
        follow(session, "/logtail/" + escape_path(name) + "/" + channel, "/logtail/" + name + "/" + channel);
        return;
    }
    const char* method = channel == "stdout" ? "readProcessStdoutLog" : "readProcessStderrLog";
    print_end(session, method, {Value::string(name)}, modifier.bytes, name);
}

void do_maintail(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> words = split_words(argument);
    if (words.size() > 1) return session.usage_error("Error: too many arguments", "maintail");
    Modifier modifier;
    if (!words.empty()) {
        auto parsed = parse_modifier(words.front());
        if (!parsed) return session.fail("Error: bad argument " + words.front());
        modifier = *parsed;
    }
    if (modifier.follow) return follow(session, "/mainlogtail", "/mainlogtail");
    print_end(session, "readLog", {}, modifier.bytes, "supervisord");
}

namespace {

void report_cleared(Session& session, const std::string& name, int status) {
    switch (status) {
        case fault::kSuccess: return session.out.line(name + ": cleared");
        case fault::kBadName: return session.fail(name + ": ERROR (no such process)");
        case fault::kFailed: return session.fail(name + ": ERROR (failed)");
        default: throw Error("Unknown result code " + std::to_string(status) + " for " + name);
    }
}

}  // namespace

void do_clear(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> names = split_words(argument);
    if (names.empty()) return session.usage_error("Error: clear requires a process name", "clear");
    if (names_all(names)) {
        for (const Value& result : elements(session.client.call("clearAllProcessLogs"))) {
            report_cleared(session, join_name(text_member(result, "group"), text_member(result, "name")),
                           static_cast<int>(number_member(result, "status")));
        }
        return;
    }
    for (const std::string& text : names) {
        ProcessName name = split_name(text);
        int status = fault::kSuccess;
        try {
            session.client.call("clearProcessLogs", {Value::string(text)});
        } catch (const RpcFault& error) {
            if (error.code != fault::kBadName && error.code != fault::kFailed) throw;
            status = error.code;
        }
        // A group has no logs of its own; "None" is what has always been printed for it.
        report_cleared(session, join_name(name.group, name.process.value_or("None")), status);
    }
}

}  // namespace reeve::ctl
