// All actions of supervisorctl: one row each, for carrying lines out, for help and for completion. The
// functions are in the files beside this one, grouped by what they are about.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace reeve::ctl {

class Session;

// What the Tab key offers for the arguments.
enum class Offers { Nothing, Groups, Processes };

struct Action {
    std::string_view name;
    void (*run)(Session& session, const std::string& argument);
    Offers offers;
    std::string_view help;  // lines of syntax, TABs, description; "" for none
    bool added = false;     // one that Supervisor does not have: `help` lists it apart
};

// Sorted by name; "EOF", which stands for the end of the input, comes first.
std::span<const Action> action_table();
const Action* find_action(std::string_view name);

// status.cpp
void do_status(Session&, const std::string& argument);
void do_pid(Session&, const std::string& argument);
// processes.cpp
void do_start(Session&, const std::string& argument);
void do_stop(Session&, const std::string& argument);
void do_restart(Session&, const std::string& argument);
void do_signal(Session&, const std::string& argument);
// logs.cpp
void do_tail(Session&, const std::string& argument);
void do_maintail(Session&, const std::string& argument);
void do_clear(Session&, const std::string& argument);
// groups.cpp
void do_avail(Session&, const std::string& argument);
void do_reread(Session&, const std::string& argument);
void do_add(Session&, const std::string& argument);
void do_remove(Session&, const std::string& argument);
void do_update(Session&, const std::string& argument);
// server.cpp
void do_shutdown(Session&, const std::string& argument);
void do_reload(Session&, const std::string& argument);
void do_version(Session&, const std::string& argument);
void do_open(Session&, const std::string& argument);
// privileges.cpp
void do_privileges(Session&, const std::string& argument);
// foreground.cpp
void do_fg(Session&, const std::string& argument);
// help.cpp
void do_help(Session&, const std::string& argument);
void do_quit(Session&, const std::string& argument);

}  // namespace reeve::ctl
