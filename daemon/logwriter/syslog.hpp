// Sends lines to the system logger through a datagram socket that is connected already: one message a line,
// "<PRI>Mmm dd hh:mm:ss supervisord: text", facility user. Never blocks: a logger that is busy, or away while
// it is restarted, is waited for with a bounded queue, beyond which lines are counted and dropped. Only the
// spawner can connect a new socket, so it is asked for one while lines wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"
#include "daemon/logwriter/links.hpp"

namespace reeve {

// A severity of RFC 3164 for a level of the main log.
int syslog_severity(Level level);

// The datagram for one line; at: seconds since 1970. NUL bytes, which end a message in many loggers, become
// blanks.
std::string syslog_message(int severity, std::string_view line, std::int64_t at);

// Calls use(line) for each line as the reference counts them: all LFs at the end are dropped, and what is
// left is split at LF; empty lines count.
void for_each_line(std::string_view text, const std::function<void(std::string_view)>& use);

class Syslog {
  public:
    // reconnect: asks the spawner; open() follows, or nothing.
    Syslog(event_base* base, std::function<void()> reconnect);
    void open(UniqueFd socket);
    void send(int severity, std::string_view line);
    // Lines dropped since the last call.
    std::uint64_t take_dropped();
    bool idle() const { return queue_.empty(); }

  private:
    static void on_writable(evutil_socket_t, short, void* self);
    static void on_retry(evutil_socket_t, short, void* self);
    void flush();
    void ask();

    event_base* base_;
    std::function<void()> reconnect_;
    UniqueFd socket_;
    EventPtr writable_;
    EventPtr retry_;
    std::deque<std::string> queue_;
    std::uint64_t dropped_ = 0;
};

}  // namespace reeve
