// Values and their binary form. See value.hpp.
#include "common/rpcproto/value.hpp"

#include <cstring>

namespace reeve {
namespace {

template <typename T>
void put(std::string& out, T number) {
    char raw[sizeof(T)];
    std::memcpy(raw, &number, sizeof number);
    out.append(raw, sizeof raw);
}

void put_text(std::string& out, std::string_view text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

class Reader {
  public:
    explicit Reader(std::string_view bytes) : left_(bytes) {}
    bool at_end() const { return left_.empty(); }

    template <typename T>
    bool get(T& number) {
        if (left_.size() < sizeof(T)) return false;
        std::memcpy(&number, left_.data(), sizeof(T));
        left_.remove_prefix(sizeof(T));
        return true;
    }
    bool get_text(std::string& text) {
        std::uint32_t size = 0;
        if (!get(size) || left_.size() < size) return false;
        text.assign(left_.substr(0, size));
        left_.remove_prefix(size);
        return true;
    }
    bool get_value(Value& value, int depth) {
        std::uint8_t kind = 0;
        if (depth > kMaxDepth || !get(kind)) return false;
        std::uint32_t count = 0;
        switch (static_cast<Value::Kind>(kind)) {
            case Value::Kind::Nil: value = Value(); return true;
            case Value::Kind::Boolean: {
                std::uint8_t flag = 0;
                if (!get(flag) || flag > 1) return false;
                value = Value::boolean(flag != 0);
                return true;
            }
            case Value::Kind::Int: {
                std::int64_t number = 0;
                if (!get(number)) return false;
                value = Value::integer(number);
                return true;
            }
            case Value::Kind::Double: {
                double number = 0;
                if (!get(number)) return false;
                value = Value::real(number);
                return true;
            }
            case Value::Kind::String: {
                std::string text;
                if (!get_text(text)) return false;
                value = Value::string(std::move(text));
                return true;
            }
            case Value::Kind::Array:
                // Every element takes at least a byte, which bounds what a forged count can make us reserve.
                if (!get(count) || count > left_.size()) return false;
                value = Value::array();
                for (; count > 0; --count) {
                    if (!get_value(value.items().emplace_back(), depth + 1)) return false;
                }
                return true;
            case Value::Kind::Struct:
                if (!get(count) || count > left_.size()) return false;
                value = Value::structure();
                for (; count > 0; --count) {
                    auto& [name, item] = value.members().emplace_back(std::string(), Value());
                    if (!get_text(name) || !get_value(item, depth + 1)) return false;
                }
                return true;
        }
        return false;
    }

  private:
    std::string_view left_;
};

}  // namespace

Value Value::boolean(bool value) {
    Value out;
    out.kind_ = Kind::Boolean;
    out.number_ = value ? 1 : 0;
    return out;
}
Value Value::integer(std::int64_t value) {
    Value out;
    out.kind_ = Kind::Int;
    out.number_ = value;
    return out;
}
Value Value::real(double value) {
    Value out;
    out.kind_ = Kind::Double;
    out.double_ = value;
    return out;
}
Value Value::string(std::string value) {
    Value out;
    out.kind_ = Kind::String;
    out.string_ = std::move(value);
    return out;
}
Value Value::array(std::vector<Value> items) {
    Value out;
    out.kind_ = Kind::Array;
    out.items_ = std::move(items);
    return out;
}
Value Value::structure(std::vector<Member> members) {
    Value out;
    out.kind_ = Kind::Struct;
    out.members_ = std::move(members);
    return out;
}

Value Value::encoded(std::string bytes) {
    Value out;
    out.encoded_ = true;
    out.string_ = std::move(bytes);
    return out;
}

const Value* Value::member(std::string_view name) const {
    for (auto it = members_.rbegin(); it != members_.rend(); ++it) {
        if (it->first == name) return &it->second;
    }
    return nullptr;
}

void Encoder::array(std::size_t count) {
    put(out_, static_cast<std::uint8_t>(Value::Kind::Array));
    put(out_, static_cast<std::uint32_t>(count));
}
void Encoder::structure(std::size_t count) {
    put(out_, static_cast<std::uint8_t>(Value::Kind::Struct));
    put(out_, static_cast<std::uint32_t>(count));
}
void Encoder::name(std::string_view text) { put_text(out_, text); }
void Encoder::integer(std::int64_t number) {
    put(out_, static_cast<std::uint8_t>(Value::Kind::Int));
    put(out_, number);
}
void Encoder::string(std::string_view text) {
    put(out_, static_cast<std::uint8_t>(Value::Kind::String));
    put_text(out_, text);
}

void encode(const Value& value, std::string& out) {
    if (const std::string* bytes = value.encoded_bytes()) {
        out += *bytes;
        return;
    }
    put(out, static_cast<std::uint8_t>(value.kind()));
    switch (value.kind()) {
        case Value::Kind::Nil: break;
        case Value::Kind::Boolean: put(out, static_cast<std::uint8_t>(value.as_boolean() ? 1 : 0)); break;
        case Value::Kind::Int: put(out, value.as_int()); break;
        case Value::Kind::Double: put(out, value.as_double()); break;
        case Value::Kind::String: put_text(out, value.as_string()); break;
        case Value::Kind::Array:
            put(out, static_cast<std::uint32_t>(value.items().size()));
            for (const Value& item : value.items()) encode(item, out);
            break;
        case Value::Kind::Struct:
            put(out, static_cast<std::uint32_t>(value.members().size()));
            for (const auto& [name, item] : value.members()) {
                put_text(out, name);
                encode(item, out);
            }
            break;
    }
}

std::optional<Value> decode(std::string_view bytes) {
    Reader reader(bytes);
    Value value;
    if (!reader.get_value(value, 1) || !reader.at_end()) return std::nullopt;
    return value;
}

}  // namespace reeve
