// An active group: its members in listing order, and for [eventlistener:x] the pool that they form.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/engine/generation.hpp"
#include "daemon/engine/listener_pool.hpp"
#include "daemon/engine/member.hpp"

namespace reeve {

class Group : private PoolHost {
  public:
    // index: of the group in the generation's image. The slots are first_slot and those that follow.
    Group(Surroundings& surroundings, std::shared_ptr<const Generation> generation, std::uint32_t index,
          std::uint32_t first_slot);
    ~Group();
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    const std::string& name() const { return name_; }
    int priority() const { return view().priority; }
    const GroupView& view() const { return generation_->image().group(index_); }
    const Generation& generation() const { return *generation_; }
    std::uint32_t first_slot() const { return first_slot_; }
    GroupBody body() const { return {generation_->number(), index_, first_slot_}; }
    const std::vector<std::shared_ptr<Member>>& members() const { return members_; }
    // In the order in which commands to a whole group visit them: by priority, then as listed.
    std::vector<std::shared_ptr<Member>> by_priority() const;
    // nullptr if there is none of that name.
    std::shared_ptr<Member> find(std::string_view name) const;
    const ProcView& view(const Member& member) const {
        return generation_->image().proc(view().procs.first + member.index());
    }
    ListenerPool* pool() { return pool_.get(); }
    // The spawner has been told READY: from now on listeners are heard and sent to. What passed between them and
    // an engine that dies before that could not be noted.
    void go_on();

    // Every member is in a stopped state and has no child.
    bool removable() const;
    bool all_stopped() const;

  private:
    bool member_running(std::uint32_t member) const override;
    SendResult send_event(std::uint32_t member, std::string_view bytes) override;
    bool stdin_pending(std::uint32_t member) const override;
    void save_note(std::uint32_t member, const ListenerNote& note) override;

    Surroundings& surroundings_;
    std::shared_ptr<const Generation> generation_;
    std::uint32_t index_;
    std::uint32_t first_slot_;
    std::string name_;
    std::vector<std::shared_ptr<Member>> members_;
    std::unique_ptr<ListenerPool> pool_;  // after the members, which it refers to
};

}  // namespace reeve
