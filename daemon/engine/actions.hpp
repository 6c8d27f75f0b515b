// What clients do to one process: start, stop, signal, empty its logs; each takes as long as it takes and
// then tells how it ended. And the putting together of the answers of many.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/engine/member.hpp"
#include "daemon/engine/outcome.hpp"

namespace reeve {

using MemberRef = std::shared_ptr<Member>;

struct ActionDone {
    // The first step is over and the action waits for the process; called at most once, before `finished`.
    std::function<void()> waits;
    // Nothing, or the fault. Called once.
    std::function<void(const MaybeFault&)> finished;
};

// Answers true when the action has finished, or with its fault.
ActionDone answer_true(Answer answer);

// name: the process as the client named it, for the texts of faults.
void start_member(Surroundings& surroundings, const MemberRef& member, const std::string& name, bool wait,
                  ActionDone done);
// Whether a stop has something to do: a start that waits for the end of a stop is taken back.
bool stoppable(const Process& process);
void stop_member(Surroundings& surroundings, const MemberRef& member, const std::string& name, bool wait,
                 ActionDone done);
void signal_member(const MemberRef& member, const std::string& name, int signo, ActionDone done);
void clear_member_logs(Surroundings& surroundings, const MemberRef& member, const std::string& name,
                       ActionDone done);

// The status structs of an action on many processes, in the order that clients expect: first those that were
// settled in their first step, in the order of visiting, then the others as they finish.
class Collector : public std::enable_shared_from_this<Collector> {
  public:
    explicit Collector(Answer answer) : answer_(std::move(answer)) {}

    // Begins an action on one more process.
    void visit(const MemberRef& member,
               const std::function<void(const std::string& name, ActionDone done)>& act);
    // All have been visited.
    void complete();

  private:
    struct Entry {
        MemberRef member;
        bool first_step = true;  // still in it, or settled there
        bool finished = false;
        MaybeFault fault;
    };

    void advance();

    Answer answer_;
    std::vector<Entry> entries_;
    std::vector<std::size_t> later_;  // finished after their first step, in that order
    std::size_t left_ = 0;
    bool all_visited_ = false;
};

}  // namespace reeve
