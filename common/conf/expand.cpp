// Expansion of %(name)s. See expand.hpp.
#include "common/conf/expand.hpp"

#include <algorithm>

#include "common/conf/format.hpp"
#include "common/conf/suggest.hpp"
#include "common/text/py_repr.hpp"

namespace reeve {

void set_variable(Environment& environment, std::string_view name, std::string_view value) {
    for (auto& [key, old] : environment) {
        if (key == name) {
            old = value;
            return;
        }
    }
    environment.emplace_back(name, value);
}

Environment process_environment(const char* const* envp) {
    Environment environment;
    std::map<std::string, bool, std::less<>> seen;
    for (; envp != nullptr && *envp != nullptr; ++envp) {
        std::string_view entry = *envp;
        std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        std::string_view name = entry.substr(0, equals);
        if (!seen.emplace(name, true).second) continue;
        environment.emplace_back(name, entry.substr(equals + 1));
    }
    return environment;
}

void Names::set_environment(const Environment& environment) {
    for (const auto& [name, value] : environment) set("ENV_" + name, value);
}

const Names::Value* Names::find(std::string_view name) const {
    auto it = values_.find(name);
    if (it != values_.end()) return &it->second;
    return outer_ == nullptr ? nullptr : outer_->find(name);
}

std::vector<std::string> Names::available() const {
    std::vector<std::string> out;
    for (const Names* scope = this; scope != nullptr; scope = scope->outer_) {
        for (const auto& [name, value] : scope->values_)
            out.push_back(name.starts_with("ENV_") ? "ENV_*" : name);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::string expand(std::string_view text, const Names& names, std::string_view where) {
    if (text.find('%') == std::string_view::npos) return std::string(text);
    auto what = [&] {
        return "Format string " + (where.ends_with(".password") ? "'...'" : py_repr(text)) + " for " +
               py_repr(where);
    };
    try {
        return format_text(text, names);
    } catch (const UnknownName& unknown) {
        std::vector<std::string> available = names.available();
        std::vector<std::string_view> known(available.begin(), available.end());
        std::string list;
        for (const std::string& name : available) list += (list.empty() ? "" : ", ") + name;
        throw ConfigError(what() + " contains names (" + py_repr(unknown.name) +
                              ") which cannot be expanded. Available names: " + list,
                          unknown.name.starts_with("ENV_")
                              ? "; no environment variable " + unknown.name.substr(4) + " is known here"
                              : did_you_mean(unknown.name, known));
    } catch (const BadFormat& bad) {
        throw ConfigError(what() + " is badly formatted: " + bad.reason);
    }
}

}  // namespace reeve
