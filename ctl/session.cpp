// One run of supervisorctl. See session.hpp.
#include "ctl/session.hpp"

#include <cerrno>

#include "ctl/commands/table.hpp"
#include "ctl/words.hpp"

namespace reeve::ctl {
namespace {

constexpr std::string_view kApiVersion = "3.0";
constexpr int kUnauthorized = 401;

const char* hint_for(const ConnectError& error) {
    switch (error.code) {
        case ENOENT: return " (is supervisord running? There is no such socket)";
        case ECONNREFUSED: return " (is supervisord running? Nobody listens there)";
        case EACCES: return " (see chmod= and chown= in [unix_http_server])";
        default: return "";
    }
}

// A text as part of one line.
std::string on_one_line(std::string text) {
    for (char& c : text) {
        if (c == '\n') c = ' ';
    }
    return text;
}

}  // namespace

Session::Session(Settings chosen, bool may_ask)
    : settings(std::move(chosen)), interactive(may_ask), input(interrupt, out), client(interrupt) {
    client.use(settings.server_url, settings.username, settings.password);
}

void Session::connect_to(const std::string& url) {
    settings.server_url = url;
    client.use(url, settings.username, settings.password);
}

void Session::run_line(std::string_view line) {
    std::string stripped = strip(line);
    if (stripped.empty()) return;
    while (!run_action(stripped)) {
    }
    out.flush();
}

// Returns false if the action is to be tried again, with the credentials that have been asked for.
bool Session::run_action(std::string_view line) {
    ParsedLine parsed = parse_line(line);
    const Action* action = line[0] == '!' ? nullptr : find_action(parsed.action);
    if (action == nullptr) {
        fail("*** Unknown syntax: " + std::string(line));
        return true;
    }
    try {
        client.reconnect();
        action->run(*this, parsed.argument);
    } catch (const RpcFault& error) {
        report(on_one_line(error.what()) + " (fault " + std::to_string(error.code) + ")",
               error.code == fault::kShutdownState ? " (supervisord is shutting down or restarting)" : "");
    } catch (const ConnectError& error) {
        report(error.what(), hint_for(error));
    } catch (const HttpError& error) {
        if (error.status != kUnauthorized) {
            report(error.what(), error.status >= 500 ? " (supervisord's log may tell why)" : "");
            return true;
        }
        out.line("Server requires authentication");
        if (interactive && ask_for_credentials()) return false;
        report(error.what(), " (set username= and password= in [supervisorctl], or use -u and -p)");
    } catch (const OutputError&) {
        throw;
    } catch (const Error& error) {
        report(error.what());
    }
    return true;
}

void Session::report(const std::string& text, const char* hint) {
    fail("error: " + text + ": " + settings.server_url + hint);
}

// False if the input ends instead.
bool Session::ask_for_credentials() {
    auto username = input.ask("Username:", false);
    auto password = username ? input.ask_secret("Password:") : std::nullopt;
    if (!password) return false;
    out.line("");
    settings.username = username;
    settings.password = password;
    client.use(settings.server_url, username, password);
    return true;
}

bool Session::upcheck() {
    try {
        Value version = client.call("getVersion");
        if (version.is(Value::Kind::String) && version.as_string() == kApiVersion) return true;
        fail("Sorry, this version of supervisorctl expects to talk to a server with API version " +
                 std::string(kApiVersion) + ", but the remote version is " + version.as_string() + ".",
             exit_status::kWrongVersion);
    } catch (const RpcFault& error) {
        if (error.code != fault::kUnknownMethod) throw;
        fail(
            "Sorry, supervisord responded but did not recognize the supervisor namespace commands that "
            "supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section is "
            "enabled in the configuration file (see sample.conf).",
            exit_status::kNotRunning);
    } catch (const ConnectError& error) {
        if (error.code == ECONNREFUSED) {
            fail(settings.server_url + " refused connection", exit_status::kUnknown);
        } else if (error.code == ENOENT) {
            fail(settings.server_url + " no such file", exit_status::kFailed);
        } else {
            throw;
        }
    }
    return false;
}

bool Session::confirm(const std::string& question) {
    auto answer = input.ask(question, false);
    if (!answer) throw Error("the input ended before the question was answered");
    return answer->starts_with('y') || answer->starts_with('Y');
}

void Session::usage(std::string_view action) { out.put(find_action(action)->help); }

void Session::usage_error(std::string_view error, std::string_view action, int status) {
    fail(error, status);
    usage(action);
}

}  // namespace reeve::ctl
