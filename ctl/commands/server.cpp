// shutdown, reload, version and open: supervisord itself.
#include <cerrno>

#include "ctl/command_line.hpp"
#include "ctl/commands/table.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {

void do_shutdown(Session& session, const std::string& argument) {
    if (!argument.empty()) return session.usage_error("Error: shutdown accepts no arguments", "shutdown");
    if (session.interactive && !session.confirm("Really shut the remote supervisord process down y/N? "))
        return;
    const std::string& url = session.settings.server_url;
    try {
        session.client.call("shutdown");
        session.out.line("Shut down");
    } catch (const RpcFault& error) {
        if (error.code != fault::kShutdownState) throw;
        session.out.line("ERROR: already shutting down");  // which is what was wanted
    } catch (const ConnectError& error) {
        if (error.code == ECONNREFUSED) {
            session.fail("ERROR: " + url + " refused connection (already shut down?)");
        } else if (error.code == ENOENT) {
            session.fail("ERROR: " + url + " no such file (already shut down?)");
        } else {
            throw;
        }
    }
}

void do_reload(Session& session, const std::string& argument) {
    if (!argument.empty()) return session.usage_error("Error: reload accepts no arguments", "reload");
    if (session.interactive && !session.confirm("Really restart the remote supervisord process y/N? "))
        return;
    try {
        session.client.call("restart");
        session.out.line("Restarted supervisord");
    } catch (const RpcFault& error) {
        if (error.code == fault::kShutdownState) return session.fail("ERROR: already shutting down");
        // The new configuration is wrong, so nothing has been stopped.
        if (error.code == fault::kCantReread) return session.fail(std::string("ERROR: ") + error.what());
        throw;
    }
}

void do_version(Session& session, const std::string& argument) {
    if (!argument.empty()) return session.usage_error("Error: version accepts no arguments", "version");
    if (!session.upcheck()) return;
    session.out.line(session.client.call("getSupervisorVersion").as_string());
}

void do_open(Session& session, const std::string& argument) {
    std::string scheme = url_scheme(argument);
    if (scheme != "http" && scheme != "unix") return session.fail("ERROR: url must be http:// or unix://");
    session.connect_to(argument);
    int before = session.exit_code;
    do_status(session, "");
    session.exit_code = before;
}

}  // namespace reeve::ctl
