// The order in which the configuration is read; the first error counts, so the order is part of the
// interface.
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/confread/context.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {

Context::Context(const CommandLine& command_line, const Environment& process_environment, bool is_reread)
    : line(command_line),
      reread(is_reread),
      check(command_line.action == Action::CheckConfig),
      here(&environment),
      host(&here) {
    out.environment = process_environment;
    environment.set_environment(process_environment);
    utsname system{};
    host.set("host_node_name", ::uname(&system) == 0 ? system.nodename : "");
}

void refuse_plugin(Context& context, const Section& section, const std::string& key,
                   const std::string& value) {
    std::string text =
        value + " cannot be resolved within [" + section.name() + "]: Python code cannot be loaded here";
    if (context.out.daemon.ignore_plugins) {
        context.warn(text + shown_place(section, key) + "; going on without it");
        return;
    }
    throw ConfigError(text + shown_place(section, key),
                      "; unknown_plugins=warn in [supervisord] goes on without it");
}

namespace {

void read_user(Context& context) {
    DaemonSetting& daemon = context.out.daemon;
    SectionReader reader(context.file.section("supervisord"), context.here);
    if (context.line.user) {
        daemon.uid = parse_user(*context.line.user);
    } else if (reader.section().find("user") != nullptr) {
        daemon.uid = reader.guarded(
            "user", [&] { return parse_user(daemon.user_text); }, SectionReader::expected(Type::User));
    }
    if (context.reread || context.check) return;
    if (daemon.uid && *daemon.uid != ::getuid() && ::getuid() != 0)
        throw ConfigError("Can't drop privilege as nonroot user");
    if (!daemon.uid && ::getuid() == 0) {
        context.out.lines.push_back(
            {Level::Critical,
             "Supervisor is running as root.  Privileges were not dropped because no user is specified in "
             "the "
             "config file.  If you intend to run as root, you can set user=root in the config file to avoid "
             "this message."});
    }
}

}  // namespace

void read_configuration(Context& context) {
    read_files(context);
    read_daemon(context);
    read_rpc_interfaces(context);
    read_groups(context);
    read_servers(context);
    // The user is looked up last, so that other mistakes are told first.
    context.attempt([&] { read_user(context); });
}

}  // namespace reeve
