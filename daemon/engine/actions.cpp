// What clients do to one process. See actions.hpp.
#include "daemon/engine/actions.hpp"

#include <algorithm>

#include "daemon/engine/group.hpp"

namespace reeve {
namespace {

constexpr std::uint64_t kReportEvery = 2'000'000;  // microseconds between "waiting for x to stop"

Fault start_fault(const SpawnError& error, const CommandText& names) {
    std::string text = spawn_error_text(error, names);
    return make_fault(error.stage == Stage::CommandNotFound ? FaultCode::NoFile : FaultCode::NotExecutable,
                      text);
}

// Waits for the end of a start. First for the stop, if the process was STOPPING when it was asked for.
struct StartWait {
    std::string name;
    bool wait;
    bool stopping;
    bool told = false;
    ActionDone done;

    bool finish(const MaybeFault& fault) {
        done.finished(fault);
        return true;
    }
    bool fail(FaultCode code) { return finish(make_fault(code, name)); }

    bool operator()(const Change& change) {
        if (change.gone) return fail(FaultCode::AbnormalTermination);
        if (change.kill_failure) return false;
        if (stopping) {
            if (!change.start_follows) return fail(FaultCode::AbnormalTermination);
            if (change.state == ProcessState::Stopped) stopping = false;
            return false;
        }
        switch (change.state) {
            case ProcessState::Starting:
                if (change.spawn_pending) return false;
                if (!wait) return finish(std::nullopt);
                if (!told) {
                    told = true;
                    done.waits();
                }
                return false;
            case ProcessState::Running: return finish(std::nullopt);
            case ProcessState::Backoff:
            case ProcessState::Fatal: return fail(FaultCode::SpawnError);
            default: return fail(FaultCode::AbnormalTermination);
        }
    }
};

// Waits for the end of a stop, and says now and then that it does.
struct StopWait {
    std::weak_ptr<Member> member;
    bool wait;
    ActionDone done;
    std::shared_ptr<Timer> report;

    bool finish(const MaybeFault& fault) {
        report.reset();
        done.finished(fault);
        return true;
    }
    bool operator()(const Change& change) {
        if (change.kill_failure && !change.kill_failure->empty()) {
            return finish(make_fault(FaultCode::Failed, *change.kill_failure));
        }
        // UNKNOWN comes with the reason why the signal could not be sent: that is the answer.
        bool stopped = is_stopped(change.state) && change.state != ProcessState::Unknown;
        if (change.gone || stopped) return finish(std::nullopt);
        if (change.kill_failure) {
            if (!wait) return finish(std::nullopt);
            done.waits();
        } else if (change.state == ProcessState::Stopping && wait) {
            if (MemberRef self = member.lock()) self->process().report_waiting();
        } else if (is_running(change.state) && !change.spawn_pending && !change.start_follows &&
                   change.state != ProcessState::Starting) {
            return finish(std::nullopt);  // it had stopped and was started again
        }
        return false;
    }
};

std::shared_ptr<Timer> report_now_and_then(Loop& loop, const MemberRef& member) {
    // The timer's callback owns nothing that owns the timer.
    struct Repeat {
        std::unique_ptr<Timer> timer;
    };
    auto repeat = std::make_shared<Repeat>();
    repeat->timer = loop.make_timer([weak = std::weak_ptr<Member>(member), raw = repeat.get()] {
        if (MemberRef self = weak.lock()) self->process().report_waiting();
        raw->timer->start(kReportEvery);
    });
    repeat->timer->start(kReportEvery);
    return {repeat, repeat->timer.get()};
}

}  // namespace

ActionDone answer_true(Answer answer) {
    ActionDone done;
    done.waits = [] {};
    done.finished = [answer = std::move(answer)](const MaybeFault& fault) {
        if (fault) {
            answer(*fault);
        } else {
            answer(Value::boolean(true));
        }
    };
    return done;
}

void start_member(Surroundings& surroundings, const MemberRef& member, const std::string& name, bool wait,
                  ActionDone done) {
    member->check([&surroundings, member, name, wait, done = std::move(done)](const SpawnError& error) {
        auto fail = [&](FaultCode code) { done.finished(make_fault(code, name)); };
        Process& process = member->process();
        if (member->gone()) return fail(FaultCode::BadName);
        if (!surroundings.may_start()) return done.finished(make_fault(FaultCode::ShutdownState));
        if (error.trouble != SpawnTrouble::None)
            return done.finished(start_fault(error, process.settings().text));
        if (is_running(process.state())) return fail(FaultCode::AlreadyStarted);
        if (process.state() == ProcessState::Unknown) {
            return done.finished(make_fault(FaultCode::Failed, name + " is in an unknown process state"));
        }
        bool stopping = process.state() == ProcessState::Stopping;
        process.start();
        if (stopping && !wait) return done.finished(std::nullopt);
        if (stopping) done.waits();
        member->wait(StartWait{name, wait, stopping, stopping, done});
    });
}

bool stoppable(const Process& process) {
    return is_running(process.state()) ||
           (process.state() == ProcessState::Stopping && process.start_wanted());
}

void stop_member(Surroundings& surroundings, const MemberRef& member, const std::string& name, bool wait,
                 ActionDone done) {
    Process& process = member->process();
    if (!stoppable(process)) {
        done.finished(make_fault(FaultCode::NotRunning, name));
        return;
    }
    bool taken_back = process.state() == ProcessState::Stopping;  // what is left is the stop before the start
    process.stop();
    if (is_stopped(process.state()) || (taken_back && !wait)) {
        done.finished(std::nullopt);
        return;
    }
    if (wait) process.report_waiting();
    if (taken_back) done.waits();
    member->wait(StopWait{member, wait, std::move(done),
                          wait ? report_now_and_then(surroundings.loop, member) : nullptr});
}

void signal_member(const MemberRef& member, const std::string& name, int signo, ActionDone done) {
    Process& process = member->process();
    if (!is_signallable(process.state()) || process.pid() == 0) {
        done.finished(make_fault(FaultCode::NotRunning, name));
    } else if (signo == 0) {
        done.finished(std::nullopt);  // only asks whether the process is there
    } else {
        member->signal(signo, [done = std::move(done)](const std::string& failure) {
            done.finished(failure.empty() ? MaybeFault() : make_fault(FaultCode::Failed, failure));
        });
    }
}

void clear_member_logs(Surroundings& surroundings, const MemberRef& member, const std::string& name,
                       ActionDone done) {
    struct State {
        int left = 1;
        bool failed = false;
        std::string name;
        ActionDone done;
        void one_less() {
            if (--left > 0) return;
            done.finished(failed ? MaybeFault(make_fault(FaultCode::Failed, name)) : std::nullopt);
        }
    };
    auto state = std::make_shared<State>();
    state->name = name;
    state->done = std::move(done);
    const ProcView& view = member->group().view(*member);
    for (bool is_stderr : {false, true}) {
        LogKind kind = (is_stderr ? view.err : view.out).kind;
        if (kind != LogKind::File && kind != LogKind::Auto) continue;  // devices are never touched
        ++state->left;
        surroundings.log.clear(stream_of(member->slot(), is_stderr), [state](const DoneBody& body) {
            if (body.result != DoneResult::Ok && body.result != DoneResult::NoFile) state->failed = true;
            state->one_less();
        });
    }
    state->one_less();
}

// ---- many -----------------------------------------------------------------------------------------------

void Collector::visit(const MemberRef& member,
                      const std::function<void(const std::string& name, ActionDone done)>& act) {
    std::size_t index = entries_.size();
    entries_.push_back({member});
    ++left_;
    ActionDone done;
    done.waits = [self = shared_from_this(), index] {
        self->entries_[index].first_step = false;
        self->advance();
    };
    done.finished = [self = shared_from_this(), index](const MaybeFault& fault) {
        Entry& entry = self->entries_[index];
        entry.finished = true;
        entry.fault = fault;
        if (!entry.first_step) self->later_.push_back(index);
        --self->left_;
        self->advance();
    };
    act(member->namespec(), std::move(done));
}

void Collector::complete() {
    all_visited_ = true;
    advance();
}

void Collector::advance() {
    if (!all_visited_ || left_ > 0 || !answer_) return;
    std::vector<Value> results;
    auto add = [&](const Entry& entry) {
        Value result = Value::structure();
        result.add("name", Value::string(entry.member->process().name()));
        result.add("group", Value::string(entry.member->process().settings().group));
        result.add("status",
                   Value::integer(static_cast<int>(entry.fault ? entry.fault->code : FaultCode::Success)));
        result.add("description", Value::string(entry.fault ? entry.fault->text : "OK"));
        results.push_back(std::move(result));
    };
    for (const Entry& entry : entries_) {
        if (entry.first_step) add(entry);
    }
    for (std::size_t index : later_) add(entries_[index]);
    Answer answer = std::exchange(answer_, nullptr);
    answer(Value::array(std::move(results)));
}

}  // namespace reeve
