// Paths as configuration values have them. See paths.hpp.
#include "common/conf/paths.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "common/conf/error.hpp"

namespace reeve {

std::string expand_user(std::string_view path) {
    if (!path.starts_with('~')) return std::string(path);
    std::size_t slash = path.find('/');
    std::string user(path.substr(1, slash == std::string_view::npos ? slash : slash - 1));
    std::string home;
    const char* variable = std::getenv("HOME");
    if (user.empty() && variable != nullptr) {
        home = variable;
    } else {
        const passwd* entry = user.empty() ? ::getpwuid(::getuid()) : ::getpwnam(user.c_str());
        if (entry == nullptr) return std::string(path);
        home = entry->pw_dir;
    }
    while (!home.empty() && home.back() == '/') home.pop_back();
    std::string rest(slash == std::string_view::npos ? "" : path.substr(slash));
    return home.empty() && rest.empty() ? "/" : home + rest;
}

std::string normalize_path(std::string_view path) {
    if (path.empty()) return ".";
    // Exactly two slashes at the beginning may mean something of their own (POSIX), so they stay.
    std::string lead;
    if (path[0] == '/') lead = path.starts_with("//") && !path.starts_with("///") ? "//" : "/";
    std::vector<std::string_view> parts;
    for (std::size_t pos = 0; pos <= path.size();) {
        std::size_t end = std::min(path.find('/', pos), path.size());
        std::string_view part = path.substr(pos, end - pos);
        pos = end + 1;
        if (part.empty() || part == ".") continue;
        if (part != ".." || (lead.empty() && parts.empty()) || (!parts.empty() && parts.back() == "..")) {
            parts.push_back(part);
        } else if (!parts.empty()) {
            parts.pop_back();
        }
    }
    std::string out = lead;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) out += '/';
        out += parts[i];
    }
    return out.empty() ? "." : out;
}

std::string absolute_path(std::string_view path) {
    if (path.starts_with('/')) return normalize_path(path);
    char buffer[PATH_MAX];
    if (::getcwd(buffer, sizeof buffer) == nullptr) throw ConfigError("the working directory does not exist");
    return normalize_path(join_path(buffer, path));
}

std::string directory_of(std::string_view path) {
    std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return "";
    std::string_view folder = path.substr(0, slash + 1);
    std::size_t last = folder.find_last_not_of('/');
    return std::string(last == std::string_view::npos ? folder : folder.substr(0, last + 1));
}

std::string join_path(std::string_view folder, std::string_view path) {
    if (path.starts_with('/')) return std::string(path);
    std::string out(folder);
    if (!out.empty() && out.back() != '/') out += '/';
    return out.append(path);
}

std::vector<std::string> default_config_paths(std::string_view argv0) {
    std::string parent = directory_of(directory_of(argv0));
    return {join_path(parent, "etc/supervisord.conf"),
            join_path(parent, "supervisord.conf"),
            "supervisord.conf",
            "etc/supervisord.conf",
            "/etc/supervisord.conf",
            "/etc/supervisor/supervisord.conf"};
}

std::string find_config(const std::vector<std::string>& paths) {
    struct stat info {};
    for (const std::string& path : paths) {
        if (::stat(path.c_str(), &info) == 0) return path;
    }
    return "";
}

}  // namespace reeve
