// supervisord's own log: puts time and level in front of each line and writes it to the main log, to the
// console if lines go there too, and to the system logger if logfile=syslog.
#pragma once

#include <string>
#include <string_view>

#include "common/base/messages.hpp"
#include "daemon/logwriter/stream.hpp"
#include "daemon/logwriter/syslog.hpp"

namespace reeve {

class MainLog {
  public:
    explicit MainLog(Syslog& syslog) : syslog_(syslog) {}

    void set_level(Level level) { level_ = level; }
    bool wants(Level level) const { return level >= level_; }
    // nullptr: none.
    void set_file(Stream* stream) { file_ = stream; }
    void set_console(Stream* stream) { console_ = stream; }

    // Writes a line, or several if the text has LFs, if its level is wanted. The text is written as it is.
    void line(Level level, std::string_view text, std::int64_t age_ms = 0);
    // The same for text that others had a hand in: control bytes but LF and TAB appear as \xNN, so that a
    // client's or a program's bytes cannot steer the terminal of whoever reads the log.
    void foreign_line(Level level, std::string_view text, std::int64_t age_ms = 0);
    // A chunk of a program's output, as loglevel=debug shows it.
    void echo(std::string_view name, std::string_view channel, std::string_view chunk);

  private:
    Syslog& syslog_;
    Level level_ = Level::Info;
    Stream* file_ = nullptr;
    Stream* console_ = nullptr;
};

// The text of foreign_line(), for tests.
std::string escape_controls(std::string_view text);

}  // namespace reeve
