// The arguments of a call, taken as loosely as the API always has: "1" and 1 for true, numbers as strings.
// What cannot be taken is a fault or HTTP 500, by type; both are thrown as CallError.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/engine/outcome.hpp"

namespace reeve {

// Who makes a call, as the log has it; nullptr if nobody knows.
using Origin = std::shared_ptr<const std::string>;

class Arguments {
  public:
    explicit Arguments(std::span<const Value> values, Origin origin = nullptr)
        : values_(values), origin_(std::move(origin)) {}

    const Origin& origin() const { return origin_; }
    std::size_t size() const { return values_.size(); }
    const Value& at(std::size_t index) const { return values_[index]; }

    // The name of a process, or of a process or group: a string, else HTTP 500.
    const std::string& name(std::size_t index) const;
    // The name of a group: anything that is no string names none (BAD_NAME), or cannot be looked up at all.
    const std::string& group_name(std::size_t index) const;
    // What counts as true; `absent` if the argument was left out.
    bool truth(std::size_t index, bool absent) const;
    // A number, also as text, fractions cut off.
    std::int64_t number(std::size_t index) const;
    // A signal by name or number: 0 to 64, else BAD_SIGNAL.
    int signal(std::size_t index) const;

  private:
    std::span<const Value> values_;
    Origin origin_;
};

bool is_true(const Value& value);

}  // namespace reeve
