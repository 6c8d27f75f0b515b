// Removes the AUTO logs that earlier lives of this daemon have left in childlogdir, and quotes names for
// lines about it.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "spawner/say.hpp"
#include "spawner/startup.hpp"

namespace reeve {
namespace {

// Names are NAME-CHANNEL---IDENTIFIER-RANDOM.log, and rotated ones with more behind that. The identifier is
// taken literally; what follows ".log" is not looked at.
bool is_auto_log(std::string_view name, std::string_view identifier) {
    for (std::size_t at = name.find("---", 1); at != name.npos; at = name.find("---", at + 1)) {
        std::string_view rest = name.substr(at + 3);
        if (rest.substr(0, identifier.size()) != identifier) continue;
        rest.remove_prefix(identifier.size());
        if (rest.empty() || rest.front() != '-') continue;
        rest.remove_prefix(1);
        std::size_t solid = 0;
        while (solid < rest.size() && std::isspace(static_cast<unsigned char>(rest[solid])) == 0) ++solid;
        if (rest.substr(0, solid).find(".log", 1) != rest.npos) return true;
    }
    return false;
}

}  // namespace

Quoted quote(const char* text) {
    Quoted out{};
    bool doubled = std::strchr(text, '\'') != nullptr && std::strchr(text, '"') == nullptr;
    char mark = doubled ? '"' : '\'';
    std::size_t at = 0;
    out.text[at++] = mark;
    for (; *text != 0 && at + 8 < sizeof out.text; ++text) {
        unsigned char c = static_cast<unsigned char>(*text);
        if (c == '\\' || *text == mark) {
            out.text[at++] = '\\';
            out.text[at++] = *text;
        } else if (c < 0x20 || c == 0x7F) {
            at += static_cast<std::size_t>(std::snprintf(out.text + at, 5, "\\x%02x", c));
        } else {
            out.text[at++] = *text;
        }
    }
    out.text[at++] = mark;
    out.text[at] = 0;
    return out;
}

void clean_up_auto_logs(const State& state) {
    const SpawnerImage& image = state.table.boot();
    const DaemonRec& daemon = image.daemon();
    if ((daemon.flags & kDaemonNocleanup) != 0) return;
    const char* folder = image.c_str(daemon.childlogdir);
    DIR* directory = ::opendir(folder);
    if (directory == nullptr) {
        say(state, Level::Warn, "Could not clear childlog dir");
        return;
    }
    while (const dirent* entry = ::readdir(directory)) {
        if (!is_auto_log(entry->d_name, image.text(daemon.identifier))) continue;
        if (::unlinkat(::dirfd(directory), entry->d_name, 0) == 0) continue;
        char path[4096];
        std::snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        say(state, Level::Warn, "Failed to clean up %s", quote(path).text);
    }
    ::closedir(directory);
}

}  // namespace reeve
