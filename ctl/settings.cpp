// The section [supervisorctl]. See settings.hpp.
#include "ctl/settings.hpp"

#include <unistd.h>

#include "common/conf/expand.hpp"
#include "common/conf/ini.hpp"
#include "common/conf/paths.hpp"
#include "ctl/errors.hpp"

namespace reeve::ctl {
namespace {

constexpr std::string_view kUnixScheme = "unix://";

void read_section(const Section& section, const std::string& path, Settings& settings) {
    Names environment;
    environment.set_environment(process_environment(environ));
    Names with_here(&environment);
    with_here.set("here", directory_of(absolute_path(path)));

    auto read = [&](const char* key, const Names& names) -> std::optional<std::string> {
        const std::string* text = section.find(key);
        if (text == nullptr) return std::nullopt;
        try {
            return expand(*text, names, std::string("supervisorctl.") + key);
        } catch (const ConfigError& error) {
            throw ConfigError(
                error.text() + " (" + describe(section.place(key)) + ", [supervisorctl] " + key + ")",
                error.hint());
        }
    };
    if (auto url = read("serverurl", with_here)) {
        settings.server_url = *url;
        if (url->starts_with(kUnixScheme)) {
            std::string socket = absolute_path(expand_user(url->substr(kUnixScheme.size())));
            settings.server_url = std::string(kUnixScheme) + socket;
        }
    }
    settings.username = read("username", environment);
    settings.password = read("password", environment);
    if (auto prompt = read("prompt", environment)) settings.prompt = *prompt;
    auto history = read("history_file", with_here);
    if (history && !history->empty()) settings.history_file = absolute_path(expand_user(*history));
}

void read_file(const std::string& path, Settings& settings) {
    ConfigFile file = read_config_file(path);
    Section section = file.section("supervisorctl");
    if (!section) throw UsageError(".ini file does not include supervisorctl section (" + path + ")");
    read_section(section, path, settings);
    for (const Section& other : file.sections()) {
        if (other.name().starts_with("ctlplugin:")) settings.ctlplugins.push_back(other.name());
    }
}

}  // namespace

Settings read_settings(const CommandLine& line, const std::string& program) {
    Settings settings;
    std::string path = line.configuration ? *line.configuration : find_config(default_config_paths(program));
    try {
        if (!path.empty()) read_file(path, settings);
    } catch (const ConfigError& error) {
        throw UsageError(error.what());
    }
    if (line.server_url) settings.server_url = *line.server_url;
    if (line.username) settings.username = line.username;
    if (line.password) settings.password = line.password;
    return settings;
}

}  // namespace reeve::ctl
