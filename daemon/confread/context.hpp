// What the reading functions share: the merged files, the names that can be expanded, and where lines for the
// log and, in --check-config, errors are collected.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/conf/expand.hpp"
#include "common/conf/ini.hpp"
#include "daemon/confread/command_line.hpp"
#include "daemon/confread/model.hpp"

namespace reeve {

struct Context {
    Context(const CommandLine& command_line, const Environment& process_environment, bool is_reread);
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    const CommandLine& line;
    bool reread;  // the daemon is already running
    bool check;   // --check-config: go on after an error
    ConfigFile file;
    Configuration out;
    Names environment;                // ENV_x
    Names here;                       // and here
    Names host;                       // and host_node_name
    std::vector<std::string> errors;  // --check-config: what was wrong

    void warn(std::string text) { out.lines.push_back({Level::Warn, std::move(text)}); }
    void info(std::string text) { out.lines.push_back({Level::Info, std::move(text)}); }

    // parse_user(), which may ask a server far away, once for each name.
    uid_t user(std::string_view text) {
        auto known = users_.find(text);
        if (known == users_.end()) known = users_.emplace(text, parse_user(text)).first;
        return known->second;
    }

    // For SectionReader::collect().
    std::vector<std::string>* collector() { return check ? &errors : nullptr; }

    // Reads one section. An error ends everything, or is noted down when checking.
    template <typename Read>
    void attempt(Read read) {
        try {
            read();
        } catch (const ConfigError& error) {
            if (!check) throw;
            errors.emplace_back(error.what());
        }
    }

  private:
    std::map<std::string, uid_t, std::less<>> users_;
};

// Finds and reads the files. include.cpp
void read_files(Context& context);
// [supervisord]. read_daemon.cpp
void read_daemon(Context& context);
// [rpcinterface:x]. read_servers.cpp
void read_rpc_interfaces(Context& context);
// [inet_http_server] and [unix_http_server]; those of out.servers. read_servers.cpp
void read_servers(Context& context);
// All groups and programs. read_groups.cpp
void read_groups(Context& context);
// All of the above, in the order in which errors are to be found. read.cpp
void read_configuration(Context& context);

// An error where a plugin is named that nothing here can run; a warning with unknown_plugins=warn.
void refuse_plugin(Context& context, const Section& section, const std::string& key,
                   const std::string& value);

}  // namespace reeve
