// Starting a program. See child_start.hpp.
#include "spawner/child_start.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "spawner/child_end.hpp"
#include "spawner/child_exec.hpp"
#include "spawner/fcgi.hpp"
#include "spawner/logfile.hpp"
#include "spawner/tell.hpp"

namespace reeve {
namespace {

// argv and envp of the program that is being started. Static, because the heap is not used after the start.
const char* argv_of_child[kMaxArgv + 1];
const char* envp_of_child[kMaxArgv + 1];

void fill(const char** out, const SpawnerImage& image, Range refs) {
    std::uint32_t i = 0;
    for (; i < refs.count && i < kMaxArgv; ++i) out[i] = image.c_str(image.ref(refs.first + i));
    out[i] = nullptr;
}

struct Pipe {
    UniqueFd parents, childs;
    FileResult log;  // of stdout and stderr: where the log writer puts what comes through
};

// With the parent's end non-blocking and the child's end in the program's user's name, if that can be had: a
// program that opens /dev/stdout anew needs to own the pipe, all others can do without.
bool make_pipe(const State& state, const Identity& identity, bool parent_writes, Pipe& out) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    out.parents.reset(ends[parent_writes ? 1 : 0]);
    out.childs.reset(ends[parent_writes ? 0 : 1]);
    bool owned = state.root && identity.uid != kAbsent && identity.uid != 0;
    [[maybe_unused]] bool given = owned && ::fchown(out.childs.get(), identity.uid, identity.gid) == 0;
    return ::fcntl(out.parents.get(), F_SETFL, O_NONBLOCK) == 0;
}

// pipes: stdin, stdout, stderr, as far as the program has them. The slot is Live if there is a child, which
// may have failed before its exec.
StartResult try_start(State& state, Slot& slot, std::array<Pipe, 3>& pipes) {
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    StartResult found = check_command(state, slot);
    if (found.stage != Stage::None) return found;
    int fcgi_fd = -1;
    if (proc.fcgi != kAbsent) {
        if (int error = hold_fcgi_socket(state, slot, proc.fcgi, fcgi_fd)) return {Stage::FcgiSocket, error};
    }
    bool redirect = (proc.flags & kProcRedirectStderr) != 0;
    for (std::size_t i = 0; i < 3; ++i) {
        if ((i == 0 && fcgi_fd >= 0) || (i == 2 && redirect)) continue;
        if (!make_pipe(state, proc.identity, i == 0, pipes[i])) return {Stage::Pipes, errno};
        if (i == 0) continue;
        FileResult& log = pipes[i].log = do_slot_log(state, slot, i == 2, FileOp::Reopen);
        if (log.error != 0 && (i == 1 ? proc.out : proc.err).kind != LogKind::None)
            return {log.refused ? Stage::LogRule : Stage::Pipes, log.error, i == 2};
    }
    fill(argv_of_child, image, proc.argv);
    fill(envp_of_child, image, proc.env);
    ChildPlan plan{&image,
                   &proc,
                   image.c_str(image.ref(proc.candidates.first + found.candidate)),
                   argv_of_child,
                   envp_of_child,
                   {fcgi_fd >= 0 ? fcgi_fd : pipes[0].childs.get(), pipes[1].childs.get(),
                    pipes[redirect ? 1 : 2].childs.get()},
                   state.life.files_soft,
                   state.life.files_hard};
    pid_t pid = clone_child(plan);
    if (pid < 0) return {Stage::Fork, errno};
    state.table.born(slot, pid);
    return {static_cast<Stage>(plan.failed_stage), plan.failed_errno};
}

}  // namespace

StartResult check_command(State& state, const Slot& slot) {
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    static_assert(
        static_cast<int>(Stage::CommandEmpty) == static_cast<int>(CommandStatus::Empty) &&
        static_cast<int>(Stage::CommandQuote) == static_cast<int>(CommandStatus::NoClosingQuotation) &&
        static_cast<int>(Stage::CommandEscape) == static_cast<int>(CommandStatus::NoEscapedCharacter));
    if (proc.command_status != CommandStatus::Ok) return {static_cast<Stage>(proc.command_status)};
    for (std::uint32_t i = 0; i < proc.candidates.count; ++i) {
        const char* path = image.c_str(image.ref(proc.candidates.first + i));
        struct stat status {};
        if (::stat(path, &status) != 0) continue;
        if (S_ISDIR(status.st_mode)) return {Stage::CommandDirectory, 0, i};
        if ((status.st_mode & 0111) == 0) return {Stage::CommandNotExecutable, 0, i};
        if (::access(path, X_OK) != 0) return {Stage::CommandPermission, errno, i};
        return {Stage::None, 0, i};
    }
    return {Stage::CommandNotFound};
}

void start_child(State& state, Slot& slot) {
    save_output(state, slot);
    slot.out = {};
    slot.draining = slot.drain_untold = false;
    slot.stream_untold = {};

    std::array<Pipe, 3> pipes;
    StartResult result = try_start(state, slot, pipes);
    if (slot.state != SlotState::Live) {
        release_fcgi_socket(state, slot);
        return answer(state.engine, Msg::SPAWN_FAILED, 0,
                      SpawnFailedBody{slot.slot, result.stage, result.error, result.candidate});
    }
    slot.in = static_cast<UniqueFd&&>(pipes[0].parents);
    for (std::size_t i = 0; i < 2; ++i) {
        slot.out[i] = static_cast<UniqueFd&&>(pipes[i + 1].parents);
        bool told = state.log.told && tell_stream(state, slot, i == 1, pipes[i + 1].log);
        slot.stream_untold[i] = slot.out[i].valid() && !told;
    }
    state.table.streams_untold = true;

    EngineFds fds = engine_fds(state, slot);
    SpawnedBody spawned{slot.slot, slot.pid,     slot.start_us, slot.start_mono_us,
                        fds.flags, result.stage, result.error,  0};
    answer(state.engine, Msg::SPAWNED, slot.serial, spawned, fds.all());
}

}  // namespace reeve
