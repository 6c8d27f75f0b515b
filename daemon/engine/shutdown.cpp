// Stopping everything. See shutdown.hpp.
#include "daemon/engine/shutdown.hpp"

#include <string>

namespace reeve {
namespace {

constexpr std::uint64_t kReportEvery = 3'000'000;  // microseconds
constexpr std::uint64_t kFinishPause = 20'000;     // between two looks whether the front has sent its answers
constexpr int kFinishPatience = 50;                // looks

}  // namespace

Shutdown::Shutdown(Surroundings& surroundings, const std::vector<std::unique_ptr<Group>>& groups,
                   std::function<bool()> front_busy)
    : surroundings_(surroundings),
      groups_(groups),
      front_busy_(std::move(front_busy)),
      report_timer_(surroundings.loop.make_timer([this] { report(); })),
      finish_timer_(surroundings.loop.make_timer([this] { finish(); })) {}

void Shutdown::list_groups() {
    for (const auto& group : groups_) {
        left_.push_back(group.get());
        // A start that still waits for its turn would only be killed, whenever its group is stopped.
        for (const auto& member : group->members()) member->process().cancel_start();
    }
    patience_ = kFinishPatience;
}

void Shutdown::begin(Mood mood) {
    if (mood_ == Mood::Shutdown || mood_ == mood || finished_) return;
    bool first = mood_ == Mood::Running;
    mood_ = mood;
    surroundings_.spawner.stopping(mode());
    if (!first) return;
    surroundings_.events.emit(EventType::SupervisorStateChangeStopping, "");
    list_groups();
    surroundings_.progressed();
}

void Shutdown::resume(Mood mood) {
    mood_ = mood;
    list_groups();
    surroundings_.progressed();
}

void Shutdown::step() {
    if (mood_ == Mood::Running || finished_) return;
    while (!left_.empty()) {
        auto members = left_.back()->by_priority();
        for (auto it = members.rbegin(); it != members.rend(); ++it) {
            Process& process = (*it)->process();
            if (is_running(process.state()) || process.start_wanted()) process.abandon();
        }
        if (!left_.back()->all_stopped()) break;
        left_.pop_back();
    }
    if (left_.empty()) {
        finish();
    } else if (!reporting_) {
        reporting_ = true;
        report();
    }
}

void Shutdown::report() {
    if (finished_) return;
    std::string names;
    for (const auto& group : groups_) {
        for (const auto& member : group->members()) {
            const Process& process = member->process();
            if (is_stopped(process.state())) continue;
            names += (names.empty() ? "" : ", ") + process.name();
        }
    }
    if (!names.empty()) surroundings_.log.line(Level::Info, "waiting for " + names + " to die");
    report_timer_->start(kReportEvery);
}

void Shutdown::finish() {
    if (finished_) return;
    if (front_busy_() && --patience_ > 0) {
        finish_timer_->start(kFinishPause);
        return;
    }
    finished_ = true;
    report_timer_->stop();
    // UNKNOWN counts as stopped, but its child may live. It cannot be signalled, so it is nobody's to end.
    for (const auto& group : groups_) {
        for (const auto& member : group->members()) {
            const Process& process = member->process();
            if (process.pid() == 0) continue;
            surroundings_.log.line(Level::Warn, "leaving " + process.name() + " (" +
                                                    std::to_string(process.pid()) +
                                                    ") behind, because it could not be signalled");
        }
    }
    surroundings_.spawner.finish(mode(), surroundings_.events.next_serial());
}

}  // namespace reeve
