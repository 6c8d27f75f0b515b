// supervisord's own log. See main_log.hpp.
#include "daemon/logwriter/main_log.hpp"

#include "common/base/log_line.hpp"
#include "common/text/py_repr.hpp"

namespace reeve {

void MainLog::line(Level level, std::string_view text, std::int64_t age_ms) {
    if (!wants(level)) return;
    char prefix[64];
    std::string record(prefix, line_prefix(prefix, level, age_ms));
    record.append(text);
    record += '\n';
    if (file_ != nullptr) {
        file_->log(record);
        if ((file_->flags() & kStreamMainSyslog) != 0) {
            for_each_line(text, [&](std::string_view part) { syslog_.send(syslog_severity(level), part); });
        }
    }
    if (console_ != nullptr) console_->log(record);
}

void MainLog::foreign_line(Level level, std::string_view text, std::int64_t age_ms) {
    if (wants(level)) line(level, escape_controls(text), age_ms);
}

void MainLog::echo(std::string_view name, std::string_view channel, std::string_view chunk) {
    std::string text = "'";
    text.append(name).append("' ").append(channel).append(" output:\n");
    if (is_utf8(chunk)) {
        text.append(chunk);
    } else {
        text.append("Undecodable: ").append(py_repr_bytes(chunk));
    }
    line(Level::Debug, text);
}

std::string escape_controls(std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        unsigned char byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
            out.append("\\x");
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace reeve
