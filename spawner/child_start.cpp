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
struct Vectors {
    const char* argv[kMaxArgv + 1];
    const char* envp[kMaxArgv + 1];
};
Vectors vectors;

void fill(const char** out, const SpawnerImage& image, Range refs) {
    std::uint32_t i = 0;
    for (; i < refs.count && i < kMaxArgv; ++i) out[i] = image.c_str(image.ref(refs.first + i));
    out[i] = nullptr;
}

bool is_listener(const ProcRec& proc) { return proc.kind == ProgramKind::EventListener; }

// A pipe with the parent's end non-blocking. parent_writes: the parent holds the write end.
bool make_pipe(UniqueFd& parents, UniqueFd& childs, bool parent_writes) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    parents.reset(ends[parent_writes ? 1 : 0]);
    childs.reset(ends[parent_writes ? 0 : 1]);
    return ::fcntl(parents.get(), F_SETFL, O_NONBLOCK) == 0;
}

// What the child gets, and the logs that its output goes to.
struct Supplies {
    UniqueFd parent_in, child_in;
    std::array<UniqueFd, 2> parent_out, child_out;  // stdout, stderr
    std::array<FileResult, 2> logs;
};

StartResult supply(State& state, Slot& slot, const ProcRec& proc, Supplies& out) {
    bool redirect = (proc.flags & kProcRedirectStderr) != 0;
    if (proc.fcgi == kAbsent && !make_pipe(out.parent_in, out.child_in, true))
        return {Stage::Pipes, errno, kAbsent};
    for (int i = 0; i < (redirect ? 1 : 2); ++i) {
        std::size_t at = static_cast<std::size_t>(i);
        if (!make_pipe(out.parent_out[at], out.child_out[at], false)) return {Stage::Pipes, errno, kAbsent};
        out.logs[at] = open_slot_log(state, slot, i == 1);
        if (out.logs[at].refused) return {Stage::LogRule, out.logs[at].error};
        if (out.logs[at].error != 0) return {Stage::Pipes, out.logs[at].error};
        // A program that opens /dev/stdout anew needs to own the pipe.
        if (state.root && proc.identity.uid != kAbsent && proc.identity.uid != 0 &&
            ::fchown(out.child_out[at].get(), proc.identity.uid, proc.identity.gid) != 0) {
            return {Stage::Pipes, errno, kAbsent};
        }
    }
    if (state.root && out.child_in.valid() && proc.identity.uid != kAbsent && proc.identity.uid != 0 &&
        ::fchown(out.child_in.get(), proc.identity.uid, proc.identity.gid) != 0) {
        return {Stage::Pipes, errno, kAbsent};
    }
    return {};
}

StartResult try_start(State& state, Slot& slot, ChildPlan& plan, Supplies& supplies) {
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    StartResult found = check_command(state, slot);
    if (found.stage != Stage::None) return found;
    int fcgi_fd = -1;
    if (proc.fcgi != kAbsent) {
        if (int error = hold_fcgi_socket(state, slot, proc.fcgi, fcgi_fd)) return {Stage::FcgiSocket, error};
    }
    if (StartResult wrong = supply(state, slot, proc, supplies); wrong.stage != Stage::None) return wrong;

    fill(vectors.argv, image, proc.argv);
    fill(vectors.envp, image, proc.env);
    plan.path = image.c_str(image.ref(proc.candidates.first + found.candidate));
    plan.argv = vectors.argv;
    plan.envp = vectors.envp;
    plan.fds[0] = fcgi_fd >= 0 ? fcgi_fd : supplies.child_in.get();
    plan.fds[1] = supplies.child_out[0].get();
    plan.fds[2] = supplies.child_out[1].valid() ? supplies.child_out[1].get() : plan.fds[1];
    plan.uid = proc.identity.uid;
    plan.gid = proc.identity.gid;
    plan.groups = proc.identity.groups.count > 0 ? &image.gid(proc.identity.groups.first) : nullptr;
    plan.group_count = proc.identity.groups.count;
    plan.directory = image.c_str(proc.directory);
    plan.umask = proc.umask;
    plan.files_soft = state.child_files_soft;
    plan.files_hard = state.child_files_hard;
    pid_t pid = clone_child(plan);
    if (pid < 0) return {Stage::Fork, errno};
    state.table.born(slot, pid);
    return {};
}

}  // namespace

StartResult check_command(State& state, const Slot& slot) {
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    switch (proc.command_status) {
        case CommandStatus::Ok: break;
        case CommandStatus::Empty: return {Stage::CommandEmpty};
        case CommandStatus::NoClosingQuotation: return {Stage::CommandQuote};
        case CommandStatus::NoEscapedCharacter: return {Stage::CommandEscape};
    }
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

    ChildPlan plan;
    Supplies supplies;
    StartResult result = try_start(state, slot, plan, supplies);
    if (result.stage != Stage::None) {
        release_fcgi_socket(state, slot);
        answer(state.engine, Msg::SPAWN_FAILED, 0,
               SpawnFailedBody{state.table.number_of(slot), result.stage, result.error, result.candidate});
        return;
    }
    slot.in = static_cast<UniqueFd&&>(supplies.parent_in);
    slot.out = static_cast<std::array<UniqueFd, 2>&&>(supplies.parent_out);

    SpawnedBody spawned{};
    spawned.slot = state.table.number_of(slot);
    spawned.pid = static_cast<std::uint32_t>(slot.pid);
    spawned.start_us = slot.start_us;
    spawned.start_mono_us = slot.start_mono_us;
    spawned.child_stage = static_cast<Stage>(plan.failed_stage);
    spawned.child_errno = plan.failed_errno;
    int fds[2];
    std::size_t fd_count = 0;
    spawned.fds = engine_fds(state, slot, fds, fd_count);
    answer(state.engine, Msg::SPAWNED, slot.serial, spawned, {fds, fd_count});

    for (std::size_t i = 0; i < 2; ++i) {
        bool is_stderr = i == 1;
        if (!slot.out[i].valid()) continue;
        slot.stream_untold[i] =
            !state.log.told() ||
            !tell_stream_with(state, slot, is_stderr, supplies.logs[i].fd.get(), supplies.logs[i].special);
        if (slot.stream_untold[i]) state.table.streams_untold = true;
    }
}

std::uint32_t engine_fds(State& state, const Slot& slot, int (&fds)[2], std::size_t& count) {
    std::uint32_t flags = 0;
    count = 0;
    if (slot.in.valid()) {
        flags |= kFdStdin;
        fds[count++] = slot.in.get();
    }
    if (is_listener(state.table.definition(slot)) && slot.out[0].valid()) {
        flags |= kFdListenerStdout;
        fds[count++] = slot.out[0].get();
    }
    return flags;
}

bool tell_stream(State& state, Slot& slot, bool is_stderr) {
    FileResult file = open_slot_log(state, slot, is_stderr);
    return tell_stream_with(state, slot, is_stderr, file.fd.get(), file.special);
}

bool tell_stream_with(State& state, Slot& slot, bool is_stderr, int file, bool special) {
    const SpawnerImage& image = state.table.image_of(slot);
    const ProcRec& proc = image.proc(slot.proc);
    const LogRec& log = is_stderr ? proc.err : proc.out;
    bool to_engine = !is_stderr && is_listener(proc);
    StreamBody body{};
    body.slot = state.table.number_of(slot);
    body.stream = stream_of(body.slot, is_stderr);
    body.kind = to_engine ? StreamKind::ListenerStdout : is_stderr ? StreamKind::Stderr : StreamKind::Stdout;
    body.flags = log.stream_flags & (kStreamShared | kStreamStripAnsi | kStreamSyslog | kStreamEvents);
    body.maxbytes = log.maxbytes;
    body.backups = log.backups;
    body.capture_max = log.capture_max;
    body.pid = static_cast<std::uint32_t>(slot.pid);
    int fds[2];
    std::size_t count = 0;
    if (!to_engine) {
        body.flags |= kStreamPipe;
        fds[count++] = slot.out[is_stderr ? 1 : 0].get();
    }
    if (file >= 0) {
        body.flags |= kStreamFile | (special ? kStreamSpecial : 0);
        fds[count++] = file;
    }
    std::string_view name = image.text(proc.name).substr(0, 255);
    return tell(state.log, Msg::STREAM, slot.serial, body, as_bytes(name), {fds, count});
}

}  // namespace reeve
