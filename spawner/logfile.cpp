// Log files by rule. See logfile.hpp.
#include "spawner/logfile.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace reeve {
namespace {

constexpr int kMaxLinks = 40;
constexpr int kRefused = -1;  // no errno: the rule forbids it

// A file's directory and its name there. Without the rule: the working directory and the whole path.
struct Place {
    UniqueFd directory;
    char name[PATH_MAX] = "";
    bool strict = false;
    bool magic = false;  // a trusted link of /proc, which only the kernel can follow

    int at() const { return directory.valid() ? directory.get() : AT_FDCWD; }
};

bool only_root_writes(int directory) {
    struct stat status {};
    return ::fstat(directory, &status) == 0 && status.st_uid == 0 && (status.st_mode & 022) == 0;
}

bool is_proc(int directory) {
    struct statfs status {};
    return ::fstatfs(directory, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

// Replaces the link at fd in "rest of the path after it" by its target. 0 or errno.
int follow(int fd, char (&rest)[PATH_MAX], const char* after) {
    char target[PATH_MAX];
    char joined[PATH_MAX];
    ssize_t length = ::readlinkat(fd, "", target, sizeof target);
    if (length < 0) return errno;
    int size = std::snprintf(joined, sizeof joined, "%.*s%s", static_cast<int>(length), target, after);
    if (size >= int{sizeof joined}) return ENAMETOOLONG;
    std::memcpy(rest, joined, sizeof joined);
    return 0;
}

// Walks to the file's directory, one component after the other, obeying the rule. 0, errno or kRefused.
int locate(const char* path, bool strict, Place& place) {
    place.strict = strict;
    int length = std::snprintf(place.name, sizeof place.name, "%s", path);
    if (length == 0) return ENOENT;
    if (length >= PATH_MAX) return ENAMETOOLONG;
    if (!strict) return 0;
    char rest[PATH_MAX];
    std::memcpy(rest, place.name, sizeof rest);
    UniqueFd directory;
    char* at = rest;
    int links = 0;
    for (;;) {
        if (!directory.valid())
            directory.reset(::open(*at == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!directory.valid()) return errno;
        at += std::strspn(at, "/");
        std::size_t size = std::strcspn(at, "/");
        if (size == 0) return EISDIR;
        if (size > NAME_MAX) return ENAMETOOLONG;
        std::memcpy(place.name, at, size);
        place.name[size] = 0;
        const char* after = at + size;
        bool last = *after == 0;

        UniqueFd next(::openat(directory.get(), place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat status {};
        if (!next.valid() && !(last && errno == ENOENT)) return errno;
        if (next.valid() && ::fstat(next.get(), &status) != 0) return errno;
        if (next.valid() && S_ISLNK(status.st_mode)) {
            if (status.st_uid != 0 || !only_root_writes(directory.get())) return kRefused;
            if (++links > kMaxLinks) return ELOOP;
            place.magic = last && is_proc(directory.get());  // /proc/1/fd/1, the way of containers
            if (place.magic) {
                place.directory = static_cast<UniqueFd&&>(directory);
                return 0;
            }
            if (int error = follow(next.get(), rest, after)) return error;
            at = rest;
            if (*at == '/') directory.reset();
        } else if (last) {
            place.directory = static_cast<UniqueFd&&>(directory);
            return 0;
        } else {
            directory = static_cast<UniqueFd&&>(next);
            at += size;
        }
    }
}

FileResult failed(int error) {
    FileResult result;
    result.refused = error == kRefused;
    result.error = error == kRefused ? ELOOP : error;
    return result;
}

// Whether the open file has the name that it was opened by and never had another: where people may link what
// is not theirs, a log can for a moment be a second name of any file. It has one name now; and that is the
// name it was opened by, for the kernel still knows it so. The rename, which cannot succeed, waits for the
// end of a removal that is under way and has been counted already.
bool is_only_name(const Place& place, int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0 || status.st_nlink != 1) return false;
    if (only_root_writes(place.at())) return true;
    if (::renameat2(place.at(), place.name, place.at(), place.name, RENAME_NOREPLACE) == 0 || errno != EEXIST)
        return false;
    char link[32], opened[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = ::readlink(link, opened, sizeof opened);
    std::string_view path(opened, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return path.substr(path.rfind('/') + 1) == place.name;
}

FileResult open_once(const Place& place, int flags, mode_t mode) {
    flags |= O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (place.strict && !place.magic ? O_NOFOLLOW : 0);
    FileResult result;
    result.fd.reset(::openat(place.at(), place.name, flags, mode));
    // A FIFO that nobody reads yet: hold it open for both, so that the first reader finds what was written.
    if (!result.fd.valid() && errno == ENXIO && (flags & O_ACCMODE) == O_WRONLY)
        result.fd.reset(::openat(place.at(), place.name, (flags & ~O_ACCMODE) | O_RDWR, mode));
    struct stat status {};
    if (!result.fd.valid() || ::fstat(result.fd.get(), &status) != 0)
        return failed(place.strict && errno == ELOOP ? kRefused : errno);
    if (S_ISDIR(status.st_mode)) return failed(EISDIR);
    result.special = !S_ISREG(status.st_mode) || place.magic;
    bool sound =
        !place.strict || S_ISCHR(status.st_mode) ||
        ((S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode)) && is_only_name(place, result.fd.get()));
    return sound ? static_cast<FileResult&&>(result) : failed(kRefused);
}

FileResult open_at(const Place& place, int flags, mode_t mode) {
    for (int i = 0;; ++i) {
        FileResult result = open_once(place, flags, mode);
        // Somebody may just have renamed it, as logrotate does.
        if (!result.refused || i == 2) return result;
    }
}

// file.N-1 becomes file.N ... file becomes file.1. Stops counting at the first number that is free.
int shift_backups(const Place& place, std::int32_t backups) {
    char from[PATH_MAX + 16];
    char to[PATH_MAX + 16];
    auto backup = [&place](char(&out)[PATH_MAX + 16], std::int32_t number) {
        std::snprintf(out, sizeof out, "%s.%d", place.name, number);
    };
    std::int32_t top = 1;
    for (struct stat status{}; top < backups; ++top) {
        backup(from, top);
        if (::fstatat(place.at(), from, &status, AT_SYMLINK_NOFOLLOW) != 0) break;
    }
    for (; top > 1; --top) {
        backup(from, top - 1);
        backup(to, top);
        if (::renameat(place.at(), from, place.at(), to) != 0 && errno != ENOENT) return errno;
    }
    backup(to, 1);
    return ::renameat(place.at(), place.name, place.at(), to) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

bool rule_holds(const State& state, const SpawnerImage& image) {
    return state.root && (image.daemon().flags & kDaemonLogSymlinks) == 0;
}

FileResult open_by_rule(const char* path, int flags, mode_t mode, bool strict) {
    Place place;
    if (int error = locate(path, strict, place)) return failed(error);
    return open_at(place, flags, mode);
}

FileResult do_log_file(const State& state, const SpawnerImage& image, const LogRec& log, FileOp op,
                       bool append) {
    FileResult result;
    if (log.kind == LogKind::Descriptor) {
        // Only what was there at the start: the spawner's own descriptors have numbers, too.
        bool known = log.descriptor < state.inherited.size() && state.inherited[log.descriptor];
        if (op == FileOp::Read || !known) return failed(op == FileOp::Read ? ENOENT : EBADF);
        result.special = true;
        result.fd.reset(::fcntl(static_cast<int>(log.descriptor), F_DUPFD_CLOEXEC, 3));
        if (!result.fd.valid()) result.error = errno;
        return result;
    }
    if (log.kind != LogKind::File && log.kind != LogKind::Auto) return failed(ENOENT);
    Place place;
    if (int error = locate(image.c_str(log.path), rule_holds(state, image), place)) return failed(error);
    struct stat status {};
    int flags = place.strict && !place.magic ? AT_SYMLINK_NOFOLLOW : 0;
    bool there = ::fstatat(place.at(), place.name, &status, flags) == 0;
    bool regular = there && S_ISREG(status.st_mode) && !place.magic;
    // An AUTO log can be read before its program has run for the first time.
    mode_t mode = log.kind == LogKind::Auto ? 0600 : 0666;
    if (op == FileOp::Read && !there && log.kind == LogKind::Auto)
        return open_at(place, O_RDONLY | O_CREAT, mode);
    if (op == FileOp::Read) return regular ? open_at(place, O_RDONLY, 0) : failed(ENOENT);
    bool rotates = op == FileOp::Rotate && regular;
    if (rotates && log.backups > 0) {
        if (int error = shift_backups(place, log.backups)) return failed(error);
    }
    if (op == FileOp::Clear && regular && ::unlinkat(place.at(), place.name, 0) != 0) return failed(errno);
    result = open_at(place, O_WRONLY | O_CREAT | (append ? O_APPEND : 0), mode);
    bool empties = rotates && log.backups <= 0 && result.fd.valid() && !result.special;
    return empties && ::ftruncate(result.fd.get(), 0) != 0 ? failed(errno)
                                                           : static_cast<FileResult&&>(result);
}

FileResult do_slot_log(State& state, const Slot& slot, bool is_stderr, FileOp op) {
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    const LogRec& log = is_stderr ? proc.err : proc.out;
    return do_log_file(state, image, log, op, (log.stream_flags & kStreamShared) != 0);
}

}  // namespace reeve
