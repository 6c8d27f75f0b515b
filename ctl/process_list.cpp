// What supervisord tells about processes. See process_list.hpp.
#include "ctl/process_list.hpp"

#include <algorithm>
#include <utility>

#include "common/text/py_repr.hpp"
#include "ctl/errors.hpp"

namespace reeve::ctl {
namespace {

const Value& member(const Value& value, std::string_view name, Value::Kind kind) {
    const Value* found = value.member(name);
    if (found == nullptr || !found->is(kind))
        throw Error("the answer has no usable \"" + std::string(name) + "\"");
    return *found;
}

}  // namespace

const std::string& text_member(const Value& value, std::string_view name) {
    return member(value, name, Value::Kind::String).as_string();
}

std::int64_t number_member(const Value& value, std::string_view name) {
    return member(value, name, Value::Kind::Int).as_int();
}

const std::vector<Value>& elements(const Value& value) {
    if (!value.is(Value::Kind::Array)) throw Error("the answer is no list");
    return value.items();
}

std::vector<Value> elements(Value&& value) {
    elements(std::as_const(value));
    return std::move(value.items());
}

ProcessInfo process_info(const Value& value) {
    return {.group = text_member(value, "group"),
            .name = text_member(value, "name"),
            .state_name = text_member(value, "statename"),
            .description = text_member(value, "description"),
            .state = number_member(value, "state"),
            .pid = number_member(value, "pid")};
}

std::vector<ProcessInfo> process_infos(const Value& value) {
    std::vector<ProcessInfo> infos;
    for (const Value& item : elements(value)) infos.push_back(process_info(item));
    return infos;
}

bool is_down(std::int64_t state) {
    return state == kStopped || state == kExited || state == kFatal || state == kUnknown;
}

std::string padded(std::string_view text, std::size_t width) {
    std::size_t length = count_characters(text);
    return std::string(text) + std::string(length < width ? width - length : 0, ' ');
}

std::vector<std::string> status_lines(const std::vector<const ProcessInfo*>& infos) {
    std::size_t longest = 30;
    for (const ProcessInfo* info : infos) longest = std::max(longest, count_characters(info->full_name()));
    std::vector<std::string> lines;
    for (const ProcessInfo* info : infos)
        lines.push_back(padded(info->full_name(), longest + 3) + padded(info->state_name, 10) +
                        info->description);
    return lines;
}

}  // namespace reeve::ctl
