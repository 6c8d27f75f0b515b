// system.*: what methods there are, and several calls in one. See rpc_methods.hpp.
#include <algorithm>

#include "daemon/engine/rpc_methods.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMaxResults = 64 * 1024 * 1024;  // bytes of the results of all multicalls under way

// What a value takes in memory.
std::size_t memory_of(const Value& value) {
    std::size_t size = sizeof(Value) + value.as_string().size();  // or its encoded bytes
    for (const Value& item : value.items()) size += memory_of(item);
    for (const auto& [name, member] : value.members()) size += sizeof name + name.size() + memory_of(member);
    return size;
}

// The calls of a multicall, strictly one after the other: the next begins when the one before has its answer.
class Multicall : public std::enable_shared_from_this<Multicall> {
  public:
    Multicall(RpcMethods& methods, std::vector<Value> calls, Origin origin, Answer answer,
              std::shared_ptr<std::size_t> all_bytes)
        : methods_(methods),
          calls_(std::move(calls)),
          origin_(std::move(origin)),
          answer_(std::move(answer)),
          all_bytes_(std::move(all_bytes)) {}
    ~Multicall() { *all_bytes_ -= bytes_; }
    Multicall(const Multicall&) = delete;
    Multicall& operator=(const Multicall&) = delete;

    void run() {
        // Answers that come at once must not nest: a thousand calls would be a thousand frames.
        if (running_) return;
        running_ = true;
        while (*all_bytes_ <= kMaxResults && results_.size() == started_ && started_ < calls_.size())
            begin(calls_[started_++]);
        running_ = false;
        if (results_.size() < started_) return;
        if (*all_bytes_ > kMaxResults)
            return answer_(make_fault(FaultCode::Failed, "the results are too long for one answer"));
        if (results_.size() == calls_.size()) answer_(Value::array(std::move(results_)));
    }

  private:
    void begin(const Value& call) {
        const Value* name = call.member("methodName");
        if (name == nullptr || name->is(Value::Kind::Nil)) {
            return take(make_fault(FaultCode::IncorrectParameters, "No methodName"));
        }
        if (!name->is(Value::Kind::String))
            return take(ServerError{"methodName is not a string: " + shown(*name)});
        if (name->as_string() == "system.multicall") {
            return take(make_fault(FaultCode::IncorrectParameters, "Recursive system.multicall forbidden"));
        }
        std::vector<Value> args;
        if (const Value* params = call.member("params"); params != nullptr && !parameters(*params, args)) {
            return take(make_fault(FaultCode::IncorrectParameters));
        }
        methods_.call(name->as_string(), false, args, origin_, [self = shared_from_this()](Outcome outcome) {
            self->take(std::move(outcome));
            self->run();
        });
    }

    // An array's elements; of a string its characters, of a struct its names: whatever can be gone through.
    static bool parameters(const Value& params, std::vector<Value>& args) {
        switch (params.kind()) {
            case Value::Kind::Array: args = params.items(); return true;
            case Value::Kind::Struct:
                for (const auto& member : params.members()) args.push_back(Value::string(member.first));
                return true;
            case Value::Kind::String: {
                std::string_view text = params.as_string();
                for (std::size_t pos = 0; pos < text.size();) {
                    std::size_t next = pos + 1;
                    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80)
                        ++next;
                    args.push_back(Value::string(std::string(text.substr(pos, next - pos))));
                    pos = next;
                }
                return true;
            }
            default: return false;
        }
    }

    void take(Outcome outcome) {
        if (auto* value = std::get_if<Value>(&outcome)) {
            add(std::move(*value));
            return;
        }
        const auto* fault = std::get_if<Fault>(&outcome);
        Fault told =
            fault != nullptr ? *fault : make_fault(FaultCode::Failed, std::get<ServerError>(outcome).text);
        Value result = Value::structure();
        result.add("faultCode", Value::integer(static_cast<int>(told.code)));
        result.add("faultString", Value::string(std::move(told.text)));
        add(std::move(result));
    }

    void add(Value result) {
        const std::size_t size = memory_of(result);
        bytes_ += size;
        *all_bytes_ += size;
        results_.push_back(std::move(result));
    }

    RpcMethods& methods_;
    std::vector<Value> calls_;
    Origin origin_;
    Answer answer_;
    std::vector<Value> results_;
    std::shared_ptr<std::size_t> all_bytes_;
    std::size_t bytes_ = 0;  // of all_bytes_, ours
    std::size_t started_ = 0;
    bool running_ = false;
};

}  // namespace

void RpcMethods::list_methods(const Arguments&, Answer answer) {
    const EngineImage& image = supervisor_.first().image();
    std::vector<std::string> names;
    for (const MethodRow& row : method_table()) {
        if (row.system) {
            names.push_back("system." + std::string(row.name));
            continue;
        }
        for (std::uint32_t i = 0; i < image.tables().namespaces.count; ++i) {
            std::string space(image.text(image.rpc_namespace(i)));
            if (space != "system") names.push_back(space + "." + std::string(row.name));
        }
    }
    std::sort(names.begin(), names.end());
    std::vector<Value> values;
    for (std::string& name : names) values.push_back(Value::string(std::move(name)));
    answer(Value::array(std::move(values)));
}

void RpcMethods::method_help(const Arguments& args, Answer answer) {
    const Value& name = args.at(0);
    const MethodRow* row = name.is(Value::Kind::String) ? find(name.as_string(), false) : nullptr;
    if (row == nullptr) return answer(make_fault(FaultCode::SignatureUnsupported));
    // Tools that read these texts look for the @return line.
    std::string_view type = row->signature.substr(0, row->signature.find(' '));
    answer(Value::string(std::string(row->help) + "\n\n@return " + std::string(type) + " result"));
}

void RpcMethods::method_signature(const Arguments& args, Answer answer) {
    const Value& name = args.at(0);
    const MethodRow* row = name.is(Value::Kind::String) ? find(name.as_string(), false) : nullptr;
    if (row == nullptr) return answer(make_fault(FaultCode::SignatureUnsupported));
    Value types = Value::array();
    for (std::string_view rest = row->signature; !rest.empty();) {
        std::size_t blank = std::min(rest.find(' '), rest.size());
        types.items().push_back(Value::string(std::string(rest.substr(0, blank))));
        rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
    answer(std::move(types));
}

void RpcMethods::multicall(const Arguments& args, Answer answer) {
    const Value& calls = args.at(0);
    if (calls.is(Value::Kind::String) && !calls.as_string().empty()) {
        return answer(ServerError{"the calls of a multicall are a string"});
    }
    if (!calls.is(Value::Kind::Array) && !calls.is(Value::Kind::String)) {
        return answer(make_fault(FaultCode::IncorrectParameters));
    }
    for (const Value& call : calls.items()) {
        if (!call.is(Value::Kind::Struct))
            return answer(ServerError{"an element of a multicall is no struct"});
    }
    std::make_shared<Multicall>(*this, calls.items(), args.origin(), std::move(answer), multicall_bytes_)
        ->run();
}

}  // namespace reeve
