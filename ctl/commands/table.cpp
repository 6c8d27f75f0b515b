// The table of actions. See table.hpp. In the help texts the syntax, and the TABs after it, are as ever.
#include "ctl/commands/table.hpp"

namespace reeve::ctl {
namespace {

constexpr std::string_view kTailHelp =
    "tail [-f] <name> [stdout|stderr] (default stdout)\n"
    "Ex:\n"
    "tail -f <name>\t\tFollow the stdout log of a process as it grows.\n"
    "\t\t\tCtrl-C ends this.\n"
    "tail -100 <name>\tThe last 100 *bytes* of a process's stdout log\n"
    "tail <name> stderr\tThe last 1600 *bytes* of a process's stderr log\n";

constexpr std::string_view kRestartHelp =
    "restart <name>\t\tStop a process and start it again\n"
    "restart <gname>:*\tThe same for all processes of a group\n"
    "restart <name> <name>\tThe same for several processes or groups\n"
    "restart all\t\tThe same for all processes\n"
    "Note: the configuration is not read again. For that, see reread and update.\n";

constexpr Action kActions[] = {
    {"EOF", do_quit, Offers::Nothing, ""},
    {"add", do_add, Offers::Groups,
     "add <name> [...]\tPut groups that reread found into use, new or changed\n"},
    {"avail", do_avail, Offers::Nothing, "avail\t\t\tList all configured processes\n"},
    {"clear", do_clear, Offers::Processes,
     "clear <name>\t\tEmpty the logs of a process\n"
     "clear <name> <name>\tEmpty the logs of several processes\n"
     "clear all\t\tEmpty the logs of all processes\n"},
    {"exit", do_quit, Offers::Nothing, "exit\tLeave the shell; supervisord goes on.\n"},
    {"fg", do_fg, Offers::Processes,
     "fg <process>\tConnect this terminal to a process: its output is shown, lines typed reach it.\n"
     "\t\tCtrl-C leaves it; the process goes on.\n"},
    {"help", do_help, Offers::Nothing,
     "help\t\tList all actions\n"
     "help <action>\tExplain an action\n"},
    {"maintail", do_maintail, Offers::Nothing,
     "maintail -f \tFollow supervisord's own log as it grows. Ctrl-C ends this.\n"
     "maintail -100\tThe last 100 *bytes* of supervisord's log\n"
     "maintail\tThe last 1600 *bytes* of supervisord's log\n"
     "\n"},
    {"open", do_open, Offers::Nothing,
     "open <url>\tTalk to another supervisord.\n"
     "\t\tA Unix socket is written unix:///socket/path.\n"},
    {"pid", do_pid, Offers::Processes,
     "pid\t\t\tThe process id of supervisord\n"
     "pid <name>\t\tThe process id of a process, 0 if it does not run\n"
     "pid all\t\t\tThe process ids of all processes, one a line\n"},
    {"privileges", do_privileges, Offers::Nothing,
     "privileges\t\tShow what each process of supervisord may do, and check that it is no more than it "
     "should\n",
     true},
    {"quit", do_quit, Offers::Nothing, "quit\tLeave the shell; supervisord goes on.\n"},
    {"reload", do_reload, Offers::Nothing, "reload \t\tRestart supervisord, and with it all processes\n"},
    {"remove", do_remove, Offers::Groups, "remove <name> [...]\tTake stopped groups out of use\n"},
    {"reread", do_reread, Offers::Nothing,
     "reread \t\t\tRead the configuration again and tell what has changed; nothing is changed yet\n"},
    {"restart", do_restart, Offers::Processes, kRestartHelp},
    {"shutdown", do_shutdown, Offers::Nothing, "shutdown \tStop all processes and supervisord\n"},
    {"signal", do_signal, Offers::Processes,
     "signal <signal name> <name>\t\tSend a signal to a process\n"
     "signal <signal name> <gname>:*\t\tSend a signal to all processes of a group\n"
     "signal <signal name> <name> <name>\tSend a signal to several processes or groups\n"
     "signal <signal name> all\t\tSend a signal to all processes\n"},
    {"start", do_start, Offers::Processes,
     "start <name>\t\tStart a process\n"
     "start <gname>:*\t\tStart all processes of a group\n"
     "start <name> <name>\tStart several processes or groups\n"
     "start all\t\tStart all processes\n"},
    {"status", do_status, Offers::Processes,
     "status <name>\t\tThe state of a process\n"
     "status <gname>:*\tThe states of all processes of a group\n"
     "status <name> <name>\tThe states of several processes\n"
     "status\t\t\tThe states of all processes\n"},
    {"stop", do_stop, Offers::Processes,
     "stop <name>\t\tStop a process\n"
     "stop <gname>:*\t\tStop all processes of a group\n"
     "stop <name> <name>\tStop several processes or groups\n"
     "stop all\t\tStop all processes\n"},
    {"tail", do_tail, Offers::Processes, kTailHelp},
    {"update", do_update, Offers::Groups,
     "update\t\t\tRead the configuration again, and add, remove and restart groups to match it\n"
     "update all\t\tThe same\n"
     "update <gname> [...]\tThe same for these groups only\n"},
    {"version", do_version, Offers::Nothing, "version\t\t\tThe version of supervisord\n"},
};

}  // namespace

std::span<const Action> action_table() { return kActions; }

const Action* find_action(std::string_view name) {
    for (const Action& action : kActions) {
        if (action.name == name) return &action;
    }
    return nullptr;
}

}  // namespace reeve::ctl
