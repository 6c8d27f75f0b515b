// A process in its place: slot, group, pipes. Connects the state machine (process.hpp) with the spawner, the
// log writer, the events and those who wait for something to happen to it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/unique_fd.hpp"
#include "daemon/engine/events.hpp"
#include "daemon/engine/log_link.hpp"
#include "daemon/engine/process.hpp"
#include "daemon/engine/spawner_link.hpp"
#include "daemon/engine/stdin_queue.hpp"

namespace reeve {

class Group;
class Member;
struct ListenerNote;

// What has happened to a member, as those who wait see it. State and flags are those of that moment.
struct Change {
    ProcessState state;
    bool spawn_pending = false;               // STARTING, and no child yet
    bool start_follows = false;               // it stops, and will be started again
    bool gone = false;                        // its group was removed
    std::optional<std::string> kill_failure;  // a stop signal was sent: "", or why it could not be
};

// What members use of the engine.
struct Surroundings {
    Loop& loop;
    LogLink& log;
    SpawnerLink& spawner;
    EventBus& events;
    // False once the daemon is stopping.
    std::function<bool()> may_start;
    // A change was noted; deliver_changes() is wanted when the current event is over.
    std::function<void(std::shared_ptr<Member>)> changed;
    // Some process has changed its state: a shutdown may be able to go on.
    std::function<void()> progressed;
};

class Member : public std::enable_shared_from_this<Member>, private ProcessPort {
  public:
    // Called for each change, until it returns true.
    using Waiter = std::function<bool(const Change&)>;

    Member(Surroundings& surroundings, Group& group, std::uint32_t index, std::uint32_t slot,
           ProcessSettings settings);

    Process& process() { return process_; }
    const Process& process() const { return process_; }
    Group& group() const { return *group_; }
    std::uint32_t index() const { return index_; }  // within the group, in listing order
    std::uint32_t slot() const { return slot_; }
    bool gone() const { return gone_; }
    // "group:name", or just the name if they are the same.
    std::string namespec() const;

    void wait(Waiter waiter) { waiters_.push_back(std::move(waiter)); }
    void deliver_changes();
    // The group is removed: everybody who still waits is told so.
    void retire();

    // Asks whether the command could be started; the answer is None or the reason. If the group is removed
    // meanwhile it is None, too, and gone() says so.
    void check(std::function<void(const SpawnError&)> done);
    // Sends a signal to the child; "" or why not.
    void signal(int signo, std::function<void(std::string)> done);

    enum class Stdin { Taken, Full, Closed };
    Stdin write_stdin(std::string_view bytes, bool is_event);
    bool stdin_pending() const { return stdin_ && stdin_->pending() > 0; }

    // Hears what a listener says, unless the engine is still being introduced.
    void listen();

    void save_pool_note(const ListenerNote& note);

    // News from the spawner; false if they break the rules.
    bool on_slot(const SlotBody& body, std::uint32_t serial, Received& received);
    bool on_spawned(const SpawnedBody& body, std::uint32_t serial, Received& received);
    bool on_spawn_failed(const SpawnFailedBody& body);
    void on_exited(const ExitedBody& body, std::uint32_t serial);
    bool on_kill_result(const KillResultBody& body, std::uint32_t serial);
    void on_checked(const SpawnFailedBody& body, std::uint32_t request);

  private:
    struct Check {
        std::uint32_t request;
        std::function<void(const SpawnError&)> done;
    };
    struct Kill {
        std::uint32_t serial;
        KillPurpose purpose;
        std::function<void(std::string)> done;  // Signal only
    };

    void spawn(Process&) override;
    bool cancel_spawn(Process&) override;
    void kill(Process&, int signo, bool to_group, KillPurpose purpose) override;
    void acknowledge_exit(Process&) override;
    void save_note(Process&) override;
    void on_state(Process&, ProcessState from) override;
    void on_settled(Process&) override;
    bool may_start() const override { return surroundings_.may_start(); }

    bool take_pipes(std::uint32_t fds, Received& received);
    void note_change(Change change);
    // False when there is no more: end of file, or nothing at the moment.
    bool read_listener();
    void read_last_words();
    void close_pipes();

    Surroundings& surroundings_;
    Group* group_;
    std::uint32_t index_;
    std::uint32_t slot_;
    bool gone_ = false;
    std::function<void(std::string)> signal_done_;  // of the signal() under way
    std::deque<Kill> kills_;                        // without an answer yet, in order
    std::deque<Check> checks_;                      // likewise
    std::deque<Change> changes_;
    std::vector<Waiter> waiters_;
    std::unique_ptr<StdinQueue> stdin_;
    UniqueFd listener_stdout_;
    std::unique_ptr<Watch> listener_watch_;
    Process process_;
};

}  // namespace reeve
