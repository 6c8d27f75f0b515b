// A value of the XML-RPC types, and its binary form between the front and the engine.
//
// Binary form, little-endian: one byte of Kind, then: Nil nothing; Boolean u8; Int i64; Double 8 bytes;
// String u32 length and bytes; Array u32 count and the elements; Struct u32 count and for each member u32
// length, the name's bytes, and the value. At most kMaxDepth levels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve {

class Value {
  public:
    enum class Kind : std::uint8_t {
        Nil = 0,
        Boolean = 1,
        Int = 2,
        Double = 3,
        String = 4,
        Array = 5,
        Struct = 6
    };
    using Member = std::pair<std::string, Value>;

    Value() = default;
    static Value boolean(bool value);
    static Value integer(std::int64_t value);
    static Value real(double value);
    static Value string(std::string value);
    static Value array(std::vector<Value> items = {});
    static Value structure(std::vector<Member> members = {});
    // For large results: the binary form that an Encoder has written. Good for nothing but to be encoded; until
    // then it is a Nil.
    static Value encoded(std::string bytes);
    const std::string* encoded_bytes() const { return encoded_ ? &string_ : nullptr; }

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool as_boolean() const { return number_ != 0; }
    std::int64_t as_int() const { return number_; }
    double as_double() const { return double_; }
    const std::string& as_string() const { return string_; }
    const std::vector<Value>& items() const { return items_; }
    std::vector<Value>& items() { return items_; }
    const std::vector<Member>& members() const { return members_; }
    std::vector<Member>& members() { return members_; }
    // The last member of that name, or nullptr.
    const Value* member(std::string_view name) const;

    Value& add(std::string name, Value value) {  // to a Struct
        members_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    bool operator==(const Value&) const = default;

  private:
    Kind kind_ = Kind::Nil;
    bool encoded_ = false;
    std::int64_t number_ = 0;
    double double_ = 0;
    std::string string_;
    std::vector<Value> items_;
    std::vector<Member> members_;
};

constexpr int kMaxDepth = 100;

void encode(const Value& value, std::string& out);

// Writes the binary form without a Value for each part of it.
class Encoder {
  public:
    explicit Encoder(std::string& out) : out_(out) {}

    // As many elements, or members, must follow; a member is its name and then its value.
    void array(std::size_t count);
    void structure(std::size_t count);
    void name(std::string_view text);
    void integer(std::int64_t number);
    void string(std::string_view text);

  private:
    std::string& out_;
};

// nullopt if the bytes are not exactly one value, or too deep.
std::optional<Value> decode(std::string_view bytes);

}  // namespace reeve
