// privileges: what each process of supervisord has of rights, and whether that is more than it may have.
//
// supervisord is asked for nothing but its process id. All else is what the kernel tells in /proc, so that no
// part can speak well of itself, and none needs a right for this.
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "ctl/commands/table.hpp"
#include "ctl/look.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

constexpr int kTries = 12;
constexpr long kBetweenTriesNs = 250'000'000;
constexpr unsigned kLastCapability = 40;

// The host that a URL of a TCP server names; "" for a Unix socket.
std::string host_of(const std::string& url) {
    Target target = parse_server_url(url);
    if (!target.socket_path.empty()) return "";
    std::string host = target.base.substr(target.base.find("://") + 3);
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.rfind(':'));
}

bool is_this_machine(const std::string& host) {
    return host.empty() || host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Who made the socket, as the kernel knows; 0 if that cannot be told, or if it is no supervisord any more
// (one that has gone to the background has another pid than the one that made it).
pid_t maker_of_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return 0;
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ucred maker{};
    socklen_t size = sizeof maker;
    if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &maker, &size) != 0 || maker.pid <= 0) {
        return 0;
    }
    auto view = view_process(maker.pid);
    return view && view->name == kSpawnerName ? maker.pid : 0;
}

std::string user_name(std::uint32_t uid) {
    const passwd* entry = ::getpwuid(uid);
    return (entry != nullptr ? std::string(entry->pw_name) : "?") + " (" + std::to_string(uid) + ")";
}

std::string group_name(std::uint32_t gid) {
    const group* entry = ::getgrgid(gid);
    return (entry != nullptr ? std::string(entry->gr_name) : "?") + " (" + std::to_string(gid) + ")";
}

std::string set_text(std::uint64_t set) {
    constexpr std::uint64_t kAll = (std::uint64_t{1} << (kLastCapability + 1)) - 1;
    if (set == 0) return "none";
    if ((set & kAll) == kAll) return "all";
    std::uint64_t lacking = kAll & ~set;
    return __builtin_popcountll(lacking) < 20 ? "all but " + capability_names(lacking)
                                              : capability_names(set);
}

std::string root_text(const ProcessView& view) {
    if (!view.root) return "not readable";
    if (!view.root->ends_with(" (deleted)")) return *view.root;
    return view.root_empty == true ? "empty and removed" : *view.root;
}

std::string seccomp_text(const ProcessView& view) {
    if (view.seccomp == 0) return "none";
    if (view.seccomp == 1) return "strict";
    return view.filters ? "filter (" + std::to_string(*view.filters) + ")" : "filter";
}

std::string limits_text(const ProcessView& view) {
    std::string text;
    for (auto [name, shown] : {std::pair{"Max open files", "files"},
                               {"Max processes", "processes"},
                               {"Max core file size", "core"},
                               {"Max file size", "file size"},
                               {"Max address space", "memory"}}) {
        auto limit = view.limits.find(std::string_view(name));
        if (limit == view.limits.end()) continue;
        text += (text.empty() ? "" : ", ") + std::string(shown) + " " + limit->second.soft;
        if (limit->second.hard != limit->second.soft) text += "/" + limit->second.hard;
    }
    return text.empty() ? "not readable" : text;
}

std::string descriptors_text(const ProcessView& view) {
    if (!view.descriptors) return "not readable";
    std::string text = std::to_string(view.descriptors->size());
    std::array<unsigned, kFdKinds> counts{};
    for (const Descriptor& fd : *view.descriptors) ++counts[static_cast<std::size_t>(fd.kind)];
    const char* before = ": ";
    for (std::size_t i = 0; i < kFdKinds; ++i) {
        if (counts[i] == 0) continue;
        text += std::string(before) + kind_name(static_cast<FdKind>(i)) + " " + std::to_string(counts[i]);
        before = ", ";
    }
    return text;
}

void show(Session& session, std::string_view program, const ProcessView& view) {
    auto field = [&](std::string_view name, const std::string& value) {
        session.out.line("    " + std::string(name) + std::string(16 - name.size(), ' ') + value);
    };
    session.out.line(std::string(program) + " (pid " + std::to_string(view.pid) + ")");
    field("user", user_name(view.uids[1]));
    field("group", group_name(view.gids[1]));
    std::string groups;
    for (std::uint32_t gid : view.groups) groups += (groups.empty() ? "" : " ") + group_name(gid);
    field("groups", groups.empty() ? "none" : groups);
    field("permitted", set_text(view.permitted));
    field("effective", view.effective == view.permitted ? "the same" : capability_names(view.effective));
    field("ambient", capability_names(view.ambient));
    field("bounding", set_text(view.bounding));
    field("no_new_privs", view.no_new_privs ? "yes" : "no");
    field("seccomp", seccomp_text(view));
    field("root", root_text(view));
    field("limits", limits_text(view));
    field("descriptors", descriptors_text(view));
}

// What holds because of how supervisord was started, though nothing is wrong.
void show_remarks(Session& session, const Findings& found) {
    const ProcessView& spawner = *found.spawner;
    if (!runs_as_root(spawner)) {
        session.out.line(
            "Not separated: supervisord was started as an ordinary user, so its parts and programs "
            "are all that user's, and the parts keep the real root directory. System-call filters, "
            "no_new_privs and private memory hold nevertheless.");
    } else if (!can_shut_in(spawner)) {
        session.out.line("Not separated: supervisord was started without the capabilities " +
                         capability_names(capability_mask(kChrootCapabilities) & ~spawner.permitted) +
                         ", so its parts keep the real root directory.");
    }
    std::map<std::uint32_t, int> users;
    for (const PartFound& part : found.parts) {
        for (const ProcessView& view : part.processes) ++users[view.uids[1]];
    }
    for (auto [uid, count] : users) {
        if (count > 1 && runs_as_root(spawner))
            session.out.line("Not separated: " + std::to_string(count) + " parts share the account " +
                             user_name(uid) + "; supervisor-privsep(7) tells which accounts to make.");
    }
}

// A part that is being started has not shut itself in yet: only what lasts counts.
Findings look_until_settled(Session& session, pid_t pid) {
    Findings found = look(pid);
    for (int i = 1; i < kTries && found.spawner && has_parts(found) && !found.excess.empty(); ++i) {
        timespec pause{0, kBetweenTriesNs};
        ::nanosleep(&pause, nullptr);
        session.interrupt.check();
        found = look(pid);
    }
    return found;
}

}  // namespace

void do_privileges(Session& session, const std::string& argument) {
    if (!argument.empty()) return session.usage_error("Error: privileges accepts no arguments", "privileges");
    const std::string& url = session.settings.server_url;
    if (!is_this_machine(host_of(url))) {
        return session.fail("ERROR: " + url +
                            " is another machine: privileges can only be looked at where "
                            "supervisord runs, through its Unix socket or localhost");
    }
    pid_t pid = static_cast<pid_t>(session.client.call("getPID").as_int());
    std::string who = "process " + std::to_string(pid) + ", which is what " + url + " calls its pid,";
    Findings found = look_until_settled(session, pid);
    if (!found.spawner)
        return session.fail("ERROR: " + who +
                            " cannot be seen here: it is in a container or on another machine, or /proc is "
                            "restricted");
    if (!has_parts(found))
        return session.fail("ERROR: " + who +
                            " has none of the parts that are looked at here: it is another kind of "
                            "supervisord, or another process");
    pid_t maker = maker_of_socket(parse_server_url(url).socket_path);
    if (maker != 0 && maker != pid)
        found.excess.push_back(url + " was made by process " + std::to_string(maker) +
                               " but says that it is " + std::to_string(pid) + "; expected the same");

    show(session, kSpawnerName, *found.spawner);
    for (const PartFound& part : found.parts) {
        for (const ProcessView& view : part.processes) show(session, part.most->program, view);
    }
    session.out.line("");
    show_remarks(session, found);
    for (const std::string& line : found.excess) session.fail("TOO MUCH: " + line);
    if (is_partly_hidden(found))
        session.out.line("What is not readable can only be seen, and could only be checked, by root.");
    if (found.excess.empty()) session.out.line("No process has more than it may have.");
}

}  // namespace reeve::ctl
