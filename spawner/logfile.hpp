// Opens, renames and empties log files along the paths of the image. The only place where the running spawner
// touches files that others may have a hand in.
//
// The rule, as root (log_symlinks=allow turns it off): no directory on the way and not the file itself is a
// symbolic link, unless root owns the link and only root can write its directory; the file is a regular file
// with one name, a character device or a FIFO. Without it, whoever owns a log directory could make root write
// to any file. An ordinary user's daemon follows links: it can reach nothing that its programs cannot.
#pragma once

#include "common/base/image.hpp"
#include "common/base/messages.hpp"
#include "spawner/state.hpp"

namespace reeve {

// An opened file, or why it is not opened: refused by the rule (error is then an errno that fits), or error.
struct FileResult {
    UniqueFd fd;
    bool special = false;  // no regular file: never rotated, cleared or read
    bool refused = false;
    int error = 0;
};

// Does one deed to the file of a log of that image. append: others write it too.
FileResult do_log_file(const State& state, const SpawnerImage& image, const LogRec& log, FileOp op,
                       bool append);

// Opens any file by the rule, for instance the pidfile. flags as of open(2).
FileResult open_by_rule(const char* path, int flags, mode_t mode, bool strict);

// Whether the rule holds for logs of this image.
bool rule_holds(const State& state, const SpawnerImage& image);

// The same with a slot's stdout or stderr.
FileResult do_slot_log(State& state, const Slot& slot, bool is_stderr, FileOp op);

}  // namespace reeve
