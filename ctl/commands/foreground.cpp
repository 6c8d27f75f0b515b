// fg: a terminal for a process. Its logs are shown as they grow, and lines typed go to its standard input.
#include <unistd.h>

#include <cstdio>

#include "ctl/commands/table.hpp"
#include "ctl/process_list.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

class Foreground {
  public:
    Foreground(Session& session, const std::string& name) : session_(session), name_(name) {
        for (const char* channel : {"stdout", "stderr"}) {
            std::string shown = "/logtail/" + name + "/" + channel;
            std::string path = "/logtail/" + escape_path(name) + "/" + channel;
            logs_.push_back({session.client.open_stream(path), shown});
        }
    }

    // Returns at the end of the input, or of the process.
    void run() {
        bool open = true;
        while (open) {
            while (auto line = session_.input.take_line()) {
                if (!send(*line)) return;
            }
            bool readable = session_.client.wait(STDIN_FILENO);
            show_output();
            if (readable) open = session_.input.read_more();
        }
        if (auto line = session_.input.take_line()) send(*line);
    }

  private:
    struct Log {
        std::unique_ptr<LogStream> stream;
        std::string path;
        bool told = false;
    };

    void show_output() {
        for (Log& log : logs_) {
            session_.out.put(log.stream->take());
            std::string problem = log.stream->problem();
            if (problem.empty() || log.told) continue;
            log.told = true;
            std::fprintf(stderr, "%s%s %s\n", session_.client.url().c_str(), log.path.c_str(),
                         problem.c_str());
        }
        session_.out.flush();
    }

    // False if the process takes no more input.
    bool send(const std::string& line) {
        bool running = false;
        try {
            session_.client.call("sendProcessStdin", {Value::string(name_), Value::string(line + "\n")});
            Value info = session_.client.call("getProcessInfo", {Value::string(name_)});
            running = process_info(info).state == kRunning;
        } catch (const RpcFault& error) {
            if (error.code != fault::kNotRunning) {
                session_.out.line(std::string("ERROR: ") + error.what());
                return false;
            }
        }
        show_output();
        if (!running) session_.out.line("Process got killed");
        return running;
    }

    Session& session_;
    std::string name_;
    std::vector<Log> logs_;
};

}  // namespace

void do_fg(Session& session, const std::string& argument) {
    if (!session.upcheck()) return;
    std::vector<std::string> names = split_words(argument);
    if (names.empty()) return session.usage_error("ERROR: no process name supplied", "fg");
    if (names.size() > 1) return session.fail("ERROR: too many process names supplied");
    const std::string& name = names.front();
    try {
        Value info = session.client.call("getProcessInfo", {Value::string(name)});
        if (process_info(info).state != kRunning) return session.fail("ERROR: process not running");
    } catch (const RpcFault& error) {
        if (error.code == fault::kBadName) return session.fail("ERROR: bad process name supplied");
        return session.out.line(std::string("ERROR: ") + error.what());
    }
    session.out.line("==> Press Ctrl-C to exit <==");
    session.out.flush();
    try {
        Foreground(session, name).run();
    } catch (const Interrupted&) {
    }
    session.out.line("Exiting foreground");
}

}  // namespace reeve::ctl
