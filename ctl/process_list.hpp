// What supervisord tells about processes, and the columns that `status` makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpcproto/value.hpp"
#include "ctl/words.hpp"

namespace reeve::ctl {

// Members of answers. Throw Error if they are missing or of another type.
const std::string& text_member(const Value& value, std::string_view name);
std::int64_t number_member(const Value& value, std::string_view name);
// The elements of an answer that must be an array; of a temporary they are moved out, so that a loop may run
// over them.
const std::vector<Value>& elements(const Value& value);
std::vector<Value> elements(Value&& value);

struct ProcessInfo {
    std::string group;
    std::string name;
    std::string state_name;
    std::string description;
    std::int64_t state;
    std::int64_t pid;
    std::string full_name() const { return join_name(group, name); }
};
ProcessInfo process_info(const Value& value);
std::vector<ProcessInfo> process_infos(const Value& value);

constexpr std::int64_t kStopped = 0;
constexpr std::int64_t kRunning = 20;
constexpr std::int64_t kExited = 100;
constexpr std::int64_t kFatal = 200;
constexpr std::int64_t kUnknown = 1000;

// True for states that `status` reports by its exit status: it has ended, and nobody tries to start it.
bool is_down(std::int64_t state);

// One line a process: name, state and description in columns. The first is three wider than the longest name
// and at least 33; blanks at the end stay, since scripts split by them.
std::vector<std::string> status_lines(const std::vector<const ProcessInfo*>& infos);

// `text` with blanks up to `width` characters.
std::string padded(std::string_view text, std::size_t width);

}  // namespace reeve::ctl
