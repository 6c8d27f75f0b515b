// The engine as a whole: what it was told by the spawner, the active groups, what the daemon is doing.
//
// First start: HELLO, CONFIG, SLOTS_END, then everything is activated and started. After a crash of the
// engine: GROUP and SLOT rebuild what was there, no program notices, and what was under way goes on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/engine/auth.hpp"
#include "daemon/engine/events.hpp"
#include "daemon/engine/front_link.hpp"
#include "daemon/engine/generation.hpp"
#include "daemon/engine/group.hpp"
#include "daemon/engine/log_link.hpp"
#include "daemon/engine/reload.hpp"
#include "daemon/engine/shutdown.hpp"
#include "daemon/engine/spawner_link.hpp"

namespace reeve {

class Calls;

class Supervisor : private LinkHandler, private LogNews, private CallHandler {
  public:
    // end: called once when the spawner has closed the edge (nullptr) or broken the rules (why).
    Supervisor(Loop& loop, UniqueFd spawner, std::function<void(const char*)> end);
    ~Supervisor() override;

    // What calls may use.
    Loop& loop() { return loop_; }
    LogLink& log() { return log_; }
    EventBus& events() { return events_; }
    FrontLink& front() { return front_; }
    Reload& reload() { return reload_; }
    Mood mood() const { return shutdown_.mood(); }
    std::uint32_t daemon_pid() const { return hello_.daemon_pid; }
    const Generation& newest() const { return *newest_; }  // the last successful reading
    const Generation& first() const { return *first_; }    // the first that this engine was given
    // Active groups by (priority, when they came).
    const std::vector<std::unique_ptr<Group>>& groups() const { return groups_; }
    Group* find_group(std::string_view name) const;

    // Activates group `index` of the newest reading and starts what starts by itself. False: no slots left.
    bool add_group(std::uint32_t index);
    // The group must be removable().
    void remove_group(Group& group);

    void begin_shutdown();
    // Reads the configuration first; done("") when the stop has begun, else why nothing is stopped.
    void begin_restart(std::function<void(const std::string&)> done);

  private:
    const char* on_message(Received& received) override;
    void on_closed(const char* violation) override;
    const char* on_hello(const HelloBody& body);
    const char* on_peer(const PeerBody& body, UniqueFd fd);
    const char* on_config(const ConfigBody& body, std::uint32_t request, const UniqueFd& fd);
    const char* on_group(const GroupBody& body);
    const char* on_slots_end(const SlotsEndBody& body);
    const char* on_slot_message(Received& received);
    const char* on_signal(std::uint32_t signo);

    void on_output(std::uint32_t stream, std::uint32_t serial, std::uint32_t pid,
                   std::string_view bytes) override;
    void on_communication(std::uint32_t stream, std::uint32_t serial, std::uint32_t pid,
                          std::string_view bytes, bool last) override;
    void on_drained(std::uint32_t slot, std::uint32_t serial) override;

    void on_call(Call call) override;
    void on_pull(std::uint32_t id) override;
    void on_cancel(std::uint32_t id) override;

    Member* member_at(std::uint32_t slot) const;
    bool is_free(std::uint32_t slot) const;
    void end_rest(std::uint64_t time);
    bool reserve_slots(std::uint32_t count, std::uint32_t& first) const;  // false: there are none
    Group& insert_group(std::shared_ptr<const Generation> generation, std::uint32_t index,
                        std::uint32_t first_slot);
    void start_everything();
    void wake();
    void on_turn();

    Loop& loop_;
    std::function<void(const char*)> end_;
    LogLink log_;
    SpawnerLink spawner_;
    EventBus events_;
    Auth auth_;
    FrontLink front_;
    Surroundings surroundings_;
    Shutdown shutdown_;
    Reload reload_;
    HelloBody hello_{};
    bool greeted_ = false;
    bool running_ = false;  // SLOTS_END was handled
    std::uint32_t slots_seen_ = 0;
    std::vector<std::shared_ptr<const Generation>> generations_;  // known, until SLOTS_END
    std::shared_ptr<const Generation> first_;
    std::shared_ptr<const Generation> newest_;
    std::vector<std::unique_ptr<Group>> groups_;
    std::unordered_map<std::string_view, Group*> by_name_;  // of groups_
    std::vector<Member*> slots_;
    std::size_t active_slots_ = 0;
    std::uint32_t lowest_free_ = 0;  // no slot below is free
    struct Resting {
        std::uint64_t end;  // monotonic, microseconds
        std::uint32_t first, count;
    };
    std::deque<Resting> resting_;  // rows of slots whose group is gone, by end
    std::vector<bool> rests_;      // by slot, as many as slots_
    std::vector<std::shared_ptr<Member>> changed_;
    std::unique_ptr<Timer> turn_;  // for what waits until the current event is over
    bool waking_ = false;
    std::map<std::uint32_t, std::string> captured_;  // by stream: pieces of a COMM that is not complete
    std::unique_ptr<Calls> calls_;
};

}  // namespace reeve
