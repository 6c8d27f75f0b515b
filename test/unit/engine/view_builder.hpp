// Makes an engine's view of a configuration as supervisor-confread would, in a sealed memfd.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/base/image.hpp"
#include "common/base/log_line.hpp"
#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"

namespace reeve {

struct ViewProcess {
    std::string name;
    int priority = 999;
    bool autostart = true;
    std::int64_t startsecs = 1;
    LogKind log = LogKind::None;
    std::string log_path;
    std::uint64_t definition = 1;
};
struct ViewGroup {
    std::string name;
    int priority = 999;
    std::vector<ViewProcess> processes;
    std::uint64_t events = 0;  // of an event listener
};

class ViewBuilder {
  public:
    // The groups in the order of (priority, name).
    explicit ViewBuilder(const std::vector<ViewGroup>& groups) {
        std::vector<GroupView> group_views;
        std::vector<ProcView> proc_views;
        for (const ViewGroup& group : groups) {
            GroupView view{};
            view.name = text(group.name);
            view.priority = group.priority;
            view.fcgi_url = {kAbsent, 0};
            view.events = group.events;
            if (group.events != 0) view.kind = ProgramKind::EventListener;
            view.buffer_size = 10;
            view.procs = {static_cast<std::uint32_t>(proc_views.size()),
                          static_cast<std::uint32_t>(group.processes.size())};
            for (const ViewProcess& process : group.processes) {
                proc_views.push_back(make(process, static_cast<std::uint32_t>(group_views.size())));
            }
            group_views.push_back(view);
        }
        EngineTables tables{};
        tables.daemon.identifier = text("supervisor");
        tables.daemon.version = text("1");
        tables.daemon.log.path = {kAbsent, 0};
        tables.groups = append(group_views);
        tables.procs = append(proc_views);
        ServerView server{};
        server.section = text("unix_http_server");
        server.username = server.password = {kAbsent, 0};
        tables.servers = append(std::vector{server});
        tables.namespaces = append(std::vector{text("supervisor")});
        tables.refs = append(std::vector<StrRef>{});
        tables.numbers = append(std::vector<std::int32_t>{0});
        finish(tables);
    }

    std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }
    UniqueFd memfd() const {
        UniqueFd fd(::memfd_create("view", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        REEVE_CHECK(::write(fd.get(), bytes_.data(), bytes_.size()) == static_cast<ssize_t>(bytes_.size()));
        REEVE_CHECK(
            ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
        return fd;
    }

  private:
    static constexpr std::uint32_t kPool = sizeof(ImageHeader);
    static constexpr std::uint32_t kPoolSize = 16 * 1024;

    StrRef text(const std::string& value) {
        StrRef ref{kPool + static_cast<std::uint32_t>(pool_.size()),
                   static_cast<std::uint32_t>(value.size())};
        pool_ += value;
        pool_ += '\0';
        return ref;
    }
    ProcView make(const ViewProcess& process, std::uint32_t group) {
        ProcView view{};
        view.name = text(process.name);
        view.group = group;
        view.command = text("/bin/cat");
        view.argv0 = text("/bin/cat");
        view.flags = process.autostart ? kViewAutostart : 0;
        view.autorestart = Autorestart::Unexpected;
        view.priority = process.priority;
        view.startsecs = process.startsecs;
        view.startretries = 3;
        view.stopwaitsecs = 10;
        view.stopsignal = 15;
        view.uid = kAbsent;
        view.exitcodes = {0, 1};
        view.directory = view.serverurl = view.err.path = {kAbsent, 0};
        view.out.kind = process.log;
        view.out.path = process.log_path.empty() ? StrRef{kAbsent, 0} : text(process.log_path);
        view.definition[0] = process.definition;
        return view;
    }
    template <typename T>
    Range append(const std::vector<T>& records) {
        rest_.resize((rest_.size() + 7) / 8 * 8);
        Range range{kPool + kPoolSize + static_cast<std::uint32_t>(rest_.size()),
                    static_cast<std::uint32_t>(records.size())};
        rest_.append(reinterpret_cast<const char*>(records.data()), records.size() * sizeof(T));
        return range;
    }
    void finish(const EngineTables& tables) {
        Range at = append(std::vector{tables});
        REEVE_CHECK(pool_.size() <= kPoolSize);
        pool_.resize(kPoolSize);
        ImageHeader header{};
        std::memcpy(header.magic, "REEVEIMG", 8);
        header.version = kImageVersion;
        header.kind = ImageKind::Engine;
        header.tables = at.first;
        header.pool = {kPool, kPoolSize};
        header.size = static_cast<std::uint32_t>(sizeof header + pool_.size() + rest_.size());
        bytes_.assign(reinterpret_cast<const char*>(&header), sizeof header);
        bytes_ += pool_ + rest_;
    }

    std::string pool_;
    std::string rest_;
    std::string bytes_;
};
static_assert(sizeof(ImageHeader) % 8 == 0);

}  // namespace reeve
