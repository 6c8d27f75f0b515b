// What the spawner says. It is trusted more than anybody, but a message that makes no sense means that one of
// us is wrong, and then the engine ends: its successor gets everything anew. See supervisor.hpp.
#include <signal.h>

#include <cstring>
#include <utility>

#include "common/text/signals.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {
namespace {

// What supervisor-confread wrote on stderr, without what is meant for a terminal.
std::string user_error(std::string_view text) {
    constexpr std::string_view kPrefix = "Error: ";
    if (text.substr(0, kPrefix.size()) == kPrefix) text.remove_prefix(kPrefix.size());
    text = text.substr(0, text.find("\nFor help, use "));
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    return text.empty() ? "the configuration could not be read" : std::string(text);
}

}  // namespace

const char* Supervisor::on_message(Received& received) {
    const Message& message = received.message;
    if (!greeted_ && message.type != Msg::HELLO) return "something before HELLO";
    switch (message.type) {
        case Msg::HELLO: return on_hello(message.as<HelloBody>());
        case Msg::PEER: return on_peer(message.as<PeerBody>(), std::move(received.fds[0]));
        case Msg::CONFIG: return on_config(message.as<ConfigBody>(), message.serial, received.fds[0]);
        case Msg::CONFIG_FAILED:
            return reload_.on_answer(message.serial, user_error(message.text()))
                       ? nullptr
                       : "CONFIG_FAILED for no request";
        case Msg::GROUP: return on_group(message.as<GroupBody>());
        case Msg::SLOTS_END: return on_slots_end(message.as<SlotsEndBody>());
        case Msg::SIGNAL: return on_signal(message.as<SignalBody>().signo);
        default: return on_slot_message(received);
    }
}

void Supervisor::on_closed(const char* violation) { end_(violation); }

const char* Supervisor::on_hello(const HelloBody& body) {
    if (greeted_) return "a second HELLO";
    if (body.protocol != kProtocol) return "HELLO of another protocol";
    greeted_ = true;
    hello_ = body;
    log_.set_level(static_cast<Level>(body.loglevel));
    events_.continue_from(body.carry);
    return nullptr;
}

const char* Supervisor::on_peer(const PeerBody& body, UniqueFd fd) {
    switch (body.role) {
        case Role::Log:
            log_.attach(std::move(fd));
            captured_.clear();  // the rest died with the former log writer
            return nullptr;
        case Role::Rpc: front_.attach(std::move(fd)); return nullptr;
        default: return "PEER of a role that is no peer";
    }
}

const char* Supervisor::on_config(const ConfigBody& body, std::uint32_t request, const UniqueFd& fd) {
    bool fresh = running_;
    if (fresh ? !reload_.pending(request) : request != 0) return "CONFIG for no request";
    if (newest_ && body.generation <= newest_->number()) return "CONFIG of an old generation";
    if (fresh && body.generation != newest_->number() + 1) return "CONFIG of a generation out of turn";
    const char* wrong = nullptr;
    auto generation = Generation::map(body, fd, wrong);
    if (!generation) return wrong;
    newest_ = generation;
    if (fresh) {
        reload_.on_answer(request, "");
        return nullptr;
    }
    generations_.push_back(generation);
    if (!first_) {
        first_ = generation;
        auth_.load(first_->image());
    }
    return nullptr;
}

const char* Supervisor::on_group(const GroupBody& body) {
    if (running_) return "GROUP after SLOTS_END";
    for (const auto& generation : generations_) {
        if (generation->number() != body.generation) continue;
        const EngineImage& image = generation->image();
        if (body.group >= image.group_count()) return "GROUP of no group";
        std::uint32_t count = image.group(body.group).procs.count;
        if (body.first_slot > kMaxSlots || count > kMaxSlots - body.first_slot)
            return "GROUP beyond the slots";
        for (std::uint32_t i = 0; i < count; ++i) {
            if (member_at(body.first_slot + i) != nullptr) return "GROUP in slots that are taken";
        }
        insert_group(generation, body.group, body.first_slot);
        return nullptr;
    }
    return "GROUP of an unknown generation";
}

const char* Supervisor::on_slots_end(const SlotsEndBody& body) {
    if (running_ || !newest_) return "SLOTS_END out of turn";
    if (body.groups != groups_.size() || body.slots != slots_seen_) return "SLOTS_END with other counts";
    generations_.clear();
    spawner_.ready();
    if ((hello_.flags & kHelloResume) == 0) {
        start_everything();
        return nullptr;
    }
    running_ = true;
    if ((hello_.flags & kHelloStopping) != 0) shutdown_.resume(Mood::Shutdown);
    if ((hello_.flags & kHelloRestarting) != 0) shutdown_.resume(Mood::Restarting);
    for (const auto& group : groups_) {
        for (const auto& member : group->members()) member->process().start_if_due();
        group->go_on();
    }
    return nullptr;
}

const char* Supervisor::on_slot_message(Received& received) {
    const Message& message = received.message;
    // All that are left begin with the slot.
    std::uint32_t slot = kMaxSlots;
    if (message.body.size() >= sizeof slot) std::memcpy(&slot, message.body.data(), sizeof slot);
    Member* member = member_at(slot);
    // The answers to a check and to a signal that came too late may outlive the group; nothing else may.
    if (member == nullptr) {
        bool late = message.type == Msg::CHECKED || message.type == Msg::KILL_RESULT;
        return late ? nullptr : "news of a slot that is not active";
    }
    switch (message.type) {
        case Msg::SLOT:
            if (running_) return "SLOT after SLOTS_END";
            ++slots_seen_;
            return member->on_slot(message.as<SlotBody>(), message.serial, received)
                       ? nullptr
                       : "SLOT with other descriptors than it names";
        case Msg::SPAWNED:
            return member->on_spawned(message.as<SpawnedBody>(), message.serial, received)
                       ? nullptr
                       : "SPAWNED without a request, or with other descriptors than it names";
        case Msg::SPAWN_FAILED:
            return member->on_spawn_failed(message.as<SpawnFailedBody>()) ? nullptr
                                                                          : "SPAWN_FAILED without a request";
        case Msg::CHECKED: member->on_checked(message.as<SpawnFailedBody>(), message.serial); return nullptr;
        case Msg::EXITED: member->on_exited(message.as<ExitedBody>(), message.serial); return nullptr;
        case Msg::KILL_RESULT:
            // A successor may get the answer to its predecessor's request.
            member->on_kill_result(message.as<KillResultBody>(), message.serial);
            return nullptr;
        default: return "a message that the engine has no use for";
    }
}

const char* Supervisor::on_signal(std::uint32_t signo) {
    std::string name = signal_name(static_cast<int>(signo));
    switch (signo) {
        case SIGTERM:
        case SIGINT:
        case SIGQUIT:
            log_.line(Level::Warn, "received " + name + " indicating exit request");
            begin_shutdown();
            return nullptr;
        case SIGHUP:
            if (mood() == Mood::Shutdown) {
                log_.line(Level::Warn, "ignored SIGHUP indicating restart request (shutdown in progress)");
                return nullptr;
            }
            log_.line(Level::Warn, "received SIGHUP indicating restart request");
            if (mood() == Mood::Running) begin_restart(nullptr);
            return nullptr;
        case SIGUSR1:
            log_.line(Level::Info, "received SIGUSR1, which has no meaning here: ignored");
            return nullptr;
        case SIGUSR2:
            log_.line(Level::Info, "received SIGUSR2 indicating log reopen request");
            log_.line(Level::Info, "supervisord logreopen");
            log_.reopen_all();
            return nullptr;
        default: return "SIGNAL that is not forwarded";
    }
}

}  // namespace reeve
