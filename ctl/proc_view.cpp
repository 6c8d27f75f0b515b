// Reading /proc. See proc_view.hpp.
#include "ctl/proc_view.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <memory>

#include "common/base/unique_fd.hpp"
#include "ctl/words.hpp"

namespace reeve::ctl {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string in_proc(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

std::optional<std::string> read_file(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return std::nullopt;
    std::string text;
    char piece[4096];
    for (;;) {
        ssize_t got = ::read(fd.get(), piece, sizeof piece);
        if (got < 0) return std::nullopt;
        if (got == 0) return text;
        text.append(piece, static_cast<std::size_t>(got));
    }
}

std::optional<std::string> read_link(const std::string& path) {
    char target[PATH_MAX];
    ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length < 0) return std::nullopt;
    return std::string(target, static_cast<std::size_t>(length));
}

FdKind kind_of(const std::string& path, const std::string& target) {
    if (target == "/dev/null") return FdKind::Null;
    if (target.starts_with("socket:")) return FdKind::Socket;
    if (target.starts_with("/memfd:")) return FdKind::Memory;
    if (target == "anon_inode:[eventpoll]") return FdKind::EventLoop;
    if (target == "anon_inode:[timerfd]") return FdKind::Timer;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return FdKind::Other;
    switch (status.st_mode & S_IFMT) {
        case S_IFIFO: return FdKind::Pipe;
        case S_IFSOCK: return FdKind::Socket;
        case S_IFREG: return FdKind::File;
        case S_IFDIR: return FdKind::Directory;
        case S_IFCHR: return FdKind::Device;
        default: return FdKind::Other;
    }
}

std::optional<std::vector<Descriptor>> read_descriptors(pid_t pid) {
    std::string folder = in_proc(pid, "fd");
    Directory directory(::opendir(folder.c_str()));
    if (!directory) return std::nullopt;
    std::vector<Descriptor> found;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (entry->d_name[0] == '.') continue;
        std::string path = folder + "/" + entry->d_name;
        // One that has been closed meanwhile is no descriptor any more.
        if (auto target = read_link(path)) {
            FdKind kind = kind_of(path, *target);
            found.push_back({std::atoi(entry->d_name), kind, std::move(*target)});
        }
    }
    return found;
}

std::optional<bool> is_empty_directory(const std::string& path) {
    Directory directory(::opendir(path.c_str()));
    if (!directory) return std::nullopt;
    while (const dirent* entry = ::readdir(directory.get())) {
        std::string_view name = entry->d_name;
        if (name != "." && name != "..") return false;
    }
    return true;
}

// Parent and name from /proc/PID/stat: "pid (name) state parent ...", where a name can have any bytes.
std::optional<std::pair<pid_t, std::string>> parent_and_name(const std::string& stat) {
    std::size_t open = stat.find('(');
    std::size_t close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
    std::vector<std::string> rest = split_words(stat.substr(close + 1));
    if (rest.size() < 2 || rest[0] == "Z") return std::nullopt;
    return std::pair{static_cast<pid_t>(std::atoi(rest[1].c_str())), stat.substr(open + 1, close - open - 1)};
}

std::uint32_t to_id(const std::string& text) {
    return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

// Splits "Key:\tvalue" lines; the value goes to take(key, value).
template <typename Take>
void for_each_field(const std::string& text, Take take) {
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        at = end + 1;
        std::size_t colon = line.find(':');
        if (colon != std::string::npos) take(line.substr(0, colon), strip(line.substr(colon + 1)));
    }
}

}  // namespace

bool read_status(const std::string& text, ProcessView& out) {
    unsigned seen = 0;
    for_each_field(text, [&](const std::string& key, const std::string& value) {
        auto ids = [&](std::array<std::uint32_t, 4>& to) {
            std::vector<std::string> words = split_words(value);
            for (std::size_t i = 0; i < to.size() && i < words.size(); ++i) to[i] = to_id(words[i]);
            seen += words.size() == to.size();
        };
        auto mask = [&](std::uint64_t& to) {
            to = std::strtoull(value.c_str(), nullptr, 16);
            ++seen;
        };
        if (key == "Name") out.name = value;
        if (key == "Uid") ids(out.uids);
        if (key == "Gid") ids(out.gids);
        if (key == "CapInh") mask(out.inheritable);
        if (key == "CapPrm") mask(out.permitted);
        if (key == "CapEff") mask(out.effective);
        if (key == "CapBnd") mask(out.bounding);
        if (key == "CapAmb") mask(out.ambient);
        if (key == "NoNewPrivs") out.no_new_privs = value == "1";
        if (key == "Seccomp") out.seccomp = to_id(value);
        if (key == "Seccomp_filters") out.filters = to_id(value);
        if (key == "Threads") out.threads = to_id(value);
        if (key == "Groups") {
            for (const std::string& word : split_words(value)) out.groups.push_back(to_id(word));
        }
    });
    constexpr unsigned kNeeded = 7;
    return seen == kNeeded && !out.name.empty();
}

void read_limits(const std::string& text, ProcessView& out) {
    constexpr std::size_t kNameWidth = 26;  // then come the soft limit, the hard one and the unit
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        at = end + 1;
        if (!line.starts_with("Max ") || line.size() <= kNameWidth) continue;
        std::vector<std::string> words = split_words(line.substr(kNameWidth));
        if (words.size() >= 2) out.limits[strip(line.substr(0, kNameWidth))] = {words[0], words[1]};
    }
}

std::optional<ProcessView> view_process(pid_t pid) {
    ProcessView view;
    view.pid = pid;
    auto status = read_file(in_proc(pid, "status"));
    if (!status || !read_status(*status, view)) return std::nullopt;
    if (auto limits = read_file(in_proc(pid, "limits"))) read_limits(*limits, view);
    if (auto program = read_link(in_proc(pid, "exe"))) {
        constexpr std::string_view kDeleted = " (deleted)";  // the file has been replaced, as by an update
        if (program->ends_with(kDeleted)) program->resize(program->size() - kDeleted.size());
        view.program = program->substr(program->rfind('/') + 1);
    }
    view.root = read_link(in_proc(pid, "root"));
    if (view.root) view.root_empty = is_empty_directory(in_proc(pid, "root"));
    view.descriptors = read_descriptors(pid);
    // The kernel gives the files of a process whose memory is private to root.
    struct stat memory {};
    if (::stat(in_proc(pid, "mem").c_str(), &memory) == 0 && view.uids[1] != 0)
        view.private_memory = memory.st_uid != view.uids[1];
    // Whatever was read before its end could be anybody's.
    if (::access(in_proc(pid, "status").c_str(), F_OK) != 0) return std::nullopt;
    return view;
}

std::vector<ChildName> children_of(pid_t parent) {
    std::vector<ChildName> children;
    Directory directory(::opendir("/proc"));
    if (!directory) return children;
    while (const dirent* entry = ::readdir(directory.get())) {
        pid_t pid = static_cast<pid_t>(std::atoi(entry->d_name));
        if (pid <= 0) continue;
        auto stat = read_file(in_proc(pid, "stat"));
        auto found = stat ? parent_and_name(*stat) : std::nullopt;
        if (found && found->first == parent) children.push_back({pid, std::move(found->second)});
    }
    return children;
}

}  // namespace reeve::ctl
