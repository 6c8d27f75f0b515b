// What is too much. See excess.hpp.
#include "ctl/excess.hpp"

#include <algorithm>
#include <set>

namespace reeve::ctl {
namespace {

constexpr const char* kCapabilityNames[] = {"chown",
                                            "dac_override",
                                            "dac_read_search",
                                            "fowner",
                                            "fsetid",
                                            "kill",
                                            "setgid",
                                            "setuid",
                                            "setpcap",
                                            "linux_immutable",
                                            "net_bind_service",
                                            "net_broadcast",
                                            "net_admin",
                                            "net_raw",
                                            "ipc_lock",
                                            "ipc_owner",
                                            "sys_module",
                                            "sys_rawio",
                                            "sys_chroot",
                                            "sys_ptrace",
                                            "sys_pacct",
                                            "sys_admin",
                                            "sys_boot",
                                            "sys_nice",
                                            "sys_resource",
                                            "sys_time",
                                            "sys_tty_config",
                                            "mknod",
                                            "lease",
                                            "audit_write",
                                            "audit_control",
                                            "setfcap",
                                            "mac_override",
                                            "mac_admin",
                                            "syslog",
                                            "wake_alarm",
                                            "block_suspend",
                                            "audit_read",
                                            "perfmon",
                                            "bpf",
                                            "checkpoint_restore"};

class Findings {
  public:
    void add(const std::string& has, const std::string& expected) {
        list_.push_back("has " + has + "; expected " + expected);
    }
    void capabilities(const char* set, std::uint64_t has, std::uint64_t most) {
        if ((has & ~most) != 0)
            add(std::string(set) + " capabilities " + capability_names(has & ~most),
                most == 0 ? "none" : "only " + capability_names(most));
    }
    std::vector<std::string> take() { return std::move(list_); }

  private:
    std::vector<std::string> list_;
};

std::string joined(const std::set<std::uint32_t>& numbers) {
    std::string text;
    for (std::uint32_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
    return text;
}

void check_identity(const ProcessView& part, const ProcessView& spawner, Findings& found) {
    std::set<std::uint32_t> uids(part.uids.begin(), part.uids.end());
    std::set<std::uint32_t> gids(part.gids.begin(), part.gids.end());
    if (runs_as_root(spawner) ? uids.size() != 1 || uids.contains(0) : uids != std::set{spawner.uids[1]})
        found.add("the user ids " + joined(uids),
                  runs_as_root(spawner) ? "one that is not 0" : "only " + std::to_string(spawner.uids[1]));
    if (!runs_as_root(spawner)) return;
    if (gids.size() != 1 || gids.contains(0)) found.add("the group ids " + joined(gids), "one that is not 0");
    std::set<std::uint32_t> groups(part.groups.begin(), part.groups.end());
    for (std::uint32_t gid : gids) groups.erase(gid);
    if (!groups.empty()) found.add("the supplementary groups " + joined(groups), "none but its own");
}

void check_limits(const ProcessView& part, const PartMaximum& most, Findings& found) {
    auto check = [&](const char* name, std::uint64_t value) {
        auto limit = part.limits.find(name);
        if (limit == part.limits.end()) return;
        std::string wanted = std::to_string(value);
        // Numbers as text: the shorter one is smaller.
        auto within = [&](const std::string& text) {
            return text != "unlimited" &&
                   (text.size() < wanted.size() || (text.size() == wanted.size() && text <= wanted));
        };
        if (!within(limit->second.soft) || !within(limit->second.hard))
            found.add(
                "the limit '" + limit->first + "' at " + limit->second.soft + ", hard " + limit->second.hard,
                wanted);
    };
    for (const LimitMaximum& limit : kPartLimits) check(limit.proc_name, limit.value);
    if (most.writes_files || !part.descriptors) return;
    // What it says on its way out shall reach a stderr that is a file.
    bool stderr_is_file =
        std::any_of(part.descriptors->begin(), part.descriptors->end(),
                    [](const Descriptor& fd) { return fd.number == 2 && fd.kind == FdKind::File; });
    if (!stderr_is_file) check("Max file size", 0);
}

void check_descriptors(const ProcessView& part, const PartMaximum& most, Findings& found) {
    if (!part.descriptors) return;
    for (std::size_t i = 0; i < kFdKinds; ++i) {
        FdKind kind = static_cast<FdKind>(i);
        std::size_t count = 0;
        const Descriptor* last = nullptr;
        for (const Descriptor& fd : *part.descriptors) {
            if (fd.kind != kind || fd.number == 2) continue;
            ++count;
            if (last == nullptr || fd.number > last->number) last = &fd;
        }
        if (count <= most.fd_kinds[i]) continue;
        found.add(std::string(kind_name(kind)) + " among its descriptors: " + std::to_string(count) +
                      " (such as " + last->target + ", descriptor " + std::to_string(last->number) + ")",
                  most.fd_kinds[i] == 0 ? "none" : "at most " + std::to_string(most.fd_kinds[i]));
    }
}

}  // namespace

bool runs_as_root(const ProcessView& spawner) { return spawner.uids[1] == 0; }

bool can_shut_in(const ProcessView& spawner) {
    constexpr std::uint64_t kNeeded = capability_mask(kChrootCapabilities);
    return runs_as_root(spawner) && (spawner.permitted & kNeeded) == kNeeded;
}

bool is_partly_hidden(const ProcessView& view) {
    return !view.descriptors || !view.root || view.limits.empty();
}

std::vector<std::string> excess_of_spawner(const ProcessView& spawner) {
    Findings found;
    // What an ordinary user was given for his programs is his.
    if (!runs_as_root(spawner)) return found.take();
    constexpr std::uint64_t kMost = capability_mask(kSpawnerCapabilities);
    // It is permitted what it hands on to programs that run as root.
    found.capabilities("effective", spawner.effective, kMost);
    return found.take();
}

std::vector<std::string> excess_of_part(const ProcessView& part, const PartMaximum& most,
                                        const ProcessView& spawner) {
    Findings found;
    check_identity(part, spawner, found);
    found.capabilities("inheritable", part.inheritable, kPartCapabilities);
    found.capabilities("permitted", part.permitted, kPartCapabilities);
    found.capabilities("effective", part.effective, kPartCapabilities);
    found.capabilities("ambient", part.ambient, kPartCapabilities);
    if (can_shut_in(spawner)) found.capabilities("bounding", part.bounding, kPartCapabilities);
    if (!part.no_new_privs) found.add("no_new_privs off", "it on");
    unsigned above = spawner.filters.value_or(0);
    if (part.seccomp != 2)
        found.add("no system-call filter", "one of its own");
    else if (part.filters && *part.filters <= above)
        found.add("only the system-call filters of supervisord's parent", "one of its own");
    if (can_shut_in(spawner) && part.root) {
        bool removed = part.root->ends_with(" (deleted)");
        if (!removed || part.root_empty == false)
            found.add("the root directory " + *part.root, "an empty one that has been removed");
    }
    if (part.private_memory == false)
        found.add("memory that others of its user can read", "PR_SET_DUMPABLE 0");
    if (part.threads != 1) found.add(std::to_string(part.threads) + " threads", "1");
    check_limits(part, most, found);
    check_descriptors(part, most, found);
    return found.take();
}

std::string capability_names(std::uint64_t set) {
    std::string text;
    for (unsigned i = 0; i < 64; ++i) {
        if ((set >> i & 1) == 0) continue;
        text += text.empty() ? "" : " ";
        text += i < std::size(kCapabilityNames) ? std::string(kCapabilityNames[i]) : std::to_string(i);
    }
    return text.empty() ? "none" : text;
}

const char* kind_name(FdKind kind) {
    switch (kind) {
        case FdKind::Null: return "/dev/null";
        case FdKind::Socket: return "sockets";
        case FdKind::Pipe: return "pipe ends";
        case FdKind::EventLoop: return "event loops";
        case FdKind::Timer: return "timers";
        case FdKind::Memory: return "memory files";
        case FdKind::File: return "files";
        case FdKind::Directory: return "directories";
        case FdKind::Device: return "devices";
        case FdKind::Other: return "others";
    }
    return "others";
}

}  // namespace reeve::ctl
