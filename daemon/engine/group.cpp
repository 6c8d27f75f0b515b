// An active group. See group.hpp.
#include "daemon/engine/group.hpp"

#include <algorithm>
#include <cstring>

namespace reeve {

Group::Group(Surroundings& surroundings, std::shared_ptr<const Generation> generation, std::uint32_t index,
             std::uint32_t first_slot)
    : surroundings_(surroundings),
      generation_(std::move(generation)),
      index_(index),
      first_slot_(first_slot) {
    const EngineImage& image = generation_->image();
    name_ = image.text(view().name);
    for (std::uint32_t i = 0; i < view().procs.count; ++i) {
        members_.push_back(std::make_shared<Member>(surroundings, *this, i, first_slot + i,
                                                    generation_->settings(view().procs.first + i)));
    }
    if (view().kind != ProgramKind::EventListener) return;
    PoolConfig config;
    config.name = name_;
    config.identifier = image.text(image.daemon().identifier);
    config.subscriptions = view().events;
    config.buffer_size = static_cast<std::size_t>(std::max<std::int64_t>(view().buffer_size, 1));
    for (const auto& member : members_) config.members.push_back(member->process().name());
    pool_ = std::make_unique<ListenerPool>(surroundings.events, surroundings.loop, surroundings.log,
                                           static_cast<PoolHost&>(*this), std::move(config));
}

Group::~Group() {
    for (const auto& member : members_) member->retire();
}

std::vector<std::shared_ptr<Member>> Group::by_priority() const {
    auto sorted = members_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return a->process().settings().priority < b->process().settings().priority;
    });
    return sorted;
}

std::shared_ptr<Member> Group::find(std::string_view name) const {
    for (const auto& member : members_) {
        if (member->process().name() == name) return member;
    }
    return nullptr;
}

bool Group::all_stopped() const {
    return std::all_of(members_.begin(), members_.end(),
                       [](const auto& member) { return is_stopped(member->process().state()); });
}

bool Group::removable() const {
    return std::all_of(members_.begin(), members_.end(), [](const auto& member) {
        return is_stopped(member->process().state()) && member->process().pid() == 0;
    });
}

void Group::go_on() {
    if (pool_ == nullptr) return;
    for (const auto& member : members_) member->listen();
    pool_->go_on();
}

bool Group::member_running(std::uint32_t member) const {
    return !surroundings_.spawner.introducing() &&
           members_[member]->process().state() == ProcessState::Running;
}

SendResult Group::send_event(std::uint32_t member, std::string_view bytes) {
    switch (members_[member]->write_stdin(bytes, true)) {
        case Member::Stdin::Taken: return SendResult::Sent;
        case Member::Stdin::Full: return SendResult::Busy;
        case Member::Stdin::Closed: return SendResult::Closed;
    }
    return SendResult::Closed;
}

bool Group::stdin_pending(std::uint32_t member) const { return members_[member]->stdin_pending(); }

void Group::save_note(std::uint32_t member, const ListenerNote& note) {
    members_[member]->save_pool_note(note);
}

}  // namespace reeve
