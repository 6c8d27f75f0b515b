// A captured front: calls every method with every kind of argument and no or wrong passwords, pulls, cancels,
// floods and lies. (Where the server has no password, it may call, as any client may: then the driver only
// asks that the engine survives.)
//
// Nothing flows from the front to the spawner: what it tries there must fail.

#include <cstdlib>
#include <vector>

#include "common/rpcproto/methods.hpp"
#include "common/rpcproto/value.hpp"
#include "hostile.hpp"

namespace reeve::hostile {
namespace {

class HostileFront {
  public:
    explicit HostileFront(Page& page)
        : page_(page), life_(page.lives.fetch_add(1)), chance_(page.seed * 1000 + life_) {
        spawner_ = Wire(UniqueFd(kPartSpawnerFd), Edge::RE, Edge::SR);
    }

    void run() {
        while (!engine_.open()) turn(1000);
        std::uint64_t most = page_.mode == Mode::Flood ? page_.limit : chance_.below(3000);
        std::uint64_t start = page_.sent;
        while (page_.phase == Phase::Attack && page_.sent - start < most && engine_.open()) attack();
        if (page_.phase == Phase::Attack) break_a_rule();
        for (;;) turn(100);
    }

  private:
    void turn(int milliseconds) {
        int fds[] = {spawner_.fd(), engine_.open() ? engine_.fd() : -1};
        if (milliseconds > 0) wait_readable(fds, milliseconds);
        hear_spawner(page_, spawner_, [this](Received& got) { on_spawner_message(got); });
        hear_peer(engine_, 256, [this](const Message& message) { on_reply(message); });
    }

    void on_spawner_message(Received& got) {
        if (got.message.type == Msg::R_PEER) {
            engine_ = Wire(std::move(got.fds[0]), Edge::RE, Edge::ER);
            calls_.clear();
        } else if (got.message.type == Msg::LISTENER) {
            auto body = got.message.as<ListenerBody>();
            servers_ = body.id + 1;
            if ((body.flags & kListenerAuthenticated) == 0) any_open_ = true;
            listeners_.push_back(std::move(got.fds[0]));  // clients queue
        }
    }

    void on_reply(const Message& message) {
        page_.received.fetch_add(1, std::memory_order_relaxed);
        switch (message.as<ReplyBody>().kind) {
            case ReplyKind::Unauthorized:
            case ReplyKind::BadRequest:
            case ReplyKind::ServerError:
            case ReplyKind::NotFound: page_.refused.fetch_add(1); break;
            case ReplyKind::StreamOpen:
            case ReplyKind::StreamData:
            case ReplyKind::Part: page_.granted.fetch_add(1); return;
            default: page_.granted.fetch_add(1); break;
        }
        std::erase(calls_, message.serial);
    }

    Value any_value(int depth) {
        static const char* const kNames[] = {"a:a_0", "a:*",     "b",        "*",   "once",
                                             "",      "a:a_0:x", "\xC3\xA9", "tick"};
        switch (chance_.below(depth > 3 ? 5 : 8)) {
            case 0: return Value();
            case 1: return Value::boolean(chance_.one_in(2));
            case 2: return Value::integer(static_cast<std::int64_t>(chance_.next() >> chance_.below(64)));
            case 3: return Value::real(static_cast<double>(chance_.next()));
            case 4: return Value::string(noise(chance_, 40));
            case 5: return Value::string(kNames[chance_.below(9)]);
            case 6: {
                Value array = Value::array();
                for (std::uint32_t i = chance_.below(5); i > 0; --i)
                    array.items().push_back(any_value(depth + 1));
                return array;
            }
            default: {
                Value members = Value::structure();
                static const char* const kKeys[] = {"methodName", "params", "x"};
                for (std::uint32_t i = chance_.below(4); i > 0; --i)
                    members.add(kKeys[chance_.below(3)], any_value(depth + 1));
                return members;
            }
        }
    }

    // The names of all methods; but not those that would end the run for good.
    std::string any_method() {
        for (;;) {
            const MethodRow& row =
                method_table()[chance_.below(static_cast<std::uint32_t>(method_table().size()))];
            bool ends = row.method == Method::Shutdown || row.method == Method::Restart;
            if (ends && any_open_) continue;
            if (chance_.one_in(30)) return noise(chance_, 60);
            return (row.system ? "system." : "supervisor.") + std::string(row.name);
        }
    }

    void call() {
        if (calls_.size() >= kMaxOpenCalls - 8) return turn(1);
        std::uint32_t serial = ++serial_;
        std::string method = any_method();
        std::string user, password;
        CallBody body{};
        body.listener = chance_.below(servers_);
        body.peer_uid = chance_.odd_number();
        body.kind = static_cast<CallKind>(1 + chance_.below(5));
        body.credentials = static_cast<Credentials>(chance_.one_in(4) ? 1 : chance_.below(5));
        if (body.credentials == Credentials::Basic) {
            user = chance_.one_in(2) ? "user" : noise(chance_, 40);
            password = noise(chance_, 200);
        }
        std::string args;
        Value params = Value::array();
        for (std::uint32_t i = chance_.below(4); i > 0; --i) params.items().push_back(any_value(0));
        encode(params, args);
        if (args.size() > kMaxChunk / 2) args.clear();
        std::string address = noise(chance_, 30);
        body.method_size = static_cast<std::uint16_t>(method.size());
        body.user_size = static_cast<std::uint16_t>(user.size());
        body.password_size = static_cast<std::uint16_t>(password.size());
        body.address_size = static_cast<std::uint16_t>(address.size());
        std::size_t now =
            chance_.one_in(3) ? chance_.below(static_cast<std::uint32_t>(args.size()) + 1) : args.size();
        body.args_size = static_cast<std::uint32_t>(args.size());
        if (!engine_.send(page_, Msg::CALL, serial, body,
                          method + user + password + address + args.substr(0, now)))
            return;
        calls_.push_back(serial);
        if (now < args.size() && !chance_.one_in(6))
            engine_.send(page_, Msg::CALL_MORE, serial, Empty{}, std::string_view(args).substr(now));
    }

    void attack() {
        if (++moves_ % 8 == 0 && deaf_ == 0) turn(0);
        if (deaf_ > 0) {
            if (!takes_more(engine_.fd())) deaf_ = 1;
            --deaf_;
        } else if (chance_.one_in(10'000)) {
            deaf_ = chance_.below(5000);
        }
        std::uint32_t open =
            calls_.empty() ? 0 : calls_[chance_.below(static_cast<std::uint32_t>(calls_.size()))];
        std::uint32_t move = chance_.below(100);
        if (move < 60) {
            call();
        } else if (move < 85) {
            std::uint32_t serial = chance_.one_in(2) ? open : serial_ + 1 + chance_.odd_number() % 1000;
            engine_.send(page_, Msg::CANCEL, serial, Empty{});
            std::erase(calls_, serial);
        } else if (move < 98) {
            engine_.send(page_, Msg::PULL, serial_ + 1 + chance_.odd_number() % 1000,
                         Empty{});  // of no request
        } else {
            // The direction that there is not.
            if (spawner_.odd(page_, chance_) || spawner_.violate(page_, chance_))
                page_.leaks |= kWayToSpawner;
        }
        if (!takes_more(engine_.fd())) turn(1);
    }

    // The engine closes the edge; then this process leaves, as the real one does.
    void break_a_rule() {
        page_.violations.fetch_add(1);
        for (Deadline late(kPatienceMs); engine_.open() && !late.over();) {
            if (chance_.one_in(2)) {
                engine_.violate(page_, chance_);
            } else {
                for (int j = 0; j < 20; ++j) engine_.odd(page_, chance_);
            }
            turn(25);
        }
        if (engine_.open()) page_.leaks |= kNotCutOff;
        std::_Exit(0);
    }

    Page& page_;
    std::uint64_t life_;
    Chance chance_;
    Wire spawner_, engine_;
    std::vector<UniqueFd> listeners_;
    std::vector<std::uint32_t> calls_;
    std::uint32_t servers_ = 1;
    std::uint32_t serial_ = 0;
    std::uint64_t moves_ = 0;
    std::uint32_t deaf_ = 0;
    bool any_open_ = false;
};

}  // namespace
}  // namespace reeve::hostile

int main() { return reeve::hostile::play<reeve::hostile::HostileFront>(reeve::SandboxPart::Rpc); }
