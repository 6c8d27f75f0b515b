// echo_supervisord_conf: prints a sample configuration. It is made from the table of all keys, so that it has
// every one of them, with its default where it is switched on. All arguments are ignored.
#include <cstdio>
#include <string>
#include <string_view>

#include "common/conf/options.hpp"

namespace reeve {
namespace {

constexpr std::size_t kHelpColumn = 34;

constexpr const char* kTop =
    "; Sample supervisor config file.\n"
    ";\n"
    "; supervisord.conf(5) explains every key. `supervisord --check-config -c FILE`\n"
    "; checks a file and tells what in it is unknown.\n"
    ";\n"
    "; Notes:\n"
    ";  - Nothing is expanded as a shell would do it (\"~\", \"$HOME\"). Variables of the\n"
    ";    environment are written like this: %(ENV_HOME)s. A percent sign is %%.\n"
    ";  - Quotes are part of the value; only environment= takes them off.\n"
    ";  - \" ;\" and \" #\" begin a comment, even within quotes: a command with \" ;\" in it\n"
    ";    is cut there. Put such commands into a script.\n"
    ";\n"
    "; The paths are in /tmp because that exists everywhere. Choose better ones: files\n"
    "; there may be deleted while supervisord runs, and anybody can make them first.\n"
    "\n";
constexpr const char* kInet =
    "; A server on a TCP port. Everybody who reaches it and knows the password (if there\n"
    "; is one) can run programs as the users that are configured here. There is no\n"
    "; encryption. Bind it to the loopback address, never to a public one.\n"
    "\n";
constexpr const char* kRpc =
    "; Without this section supervisorctl and the web page can do nothing.\n"
    "\n";
constexpr const char* kCtl =
    "; How supervisorctl reaches supervisord: as in the server's section above.\n"
    "\n";
constexpr const char* kProgram =
    "; All keys of a program, with their defaults or with examples. Make a section like\n"
    "; this for each program of yours.\n"
    "\n";
constexpr const char* kListener =
    "; All keys of an event listener: a program that is told what happens here, by the\n"
    "; protocol of supervisor-events(7).\n"
    "\n";
constexpr const char* kFcgi =
    "; A FastCGI program: its processes share one listening socket as their stdin. It has\n"
    "; all keys of a program as well.\n"
    "\n";
constexpr const char* kGroup =
    "; Programs that are started and stopped together. They are no groups of their own\n"
    "; any more.\n"
    "\n";
constexpr const char* kInclude =
    "; Further files, with blanks or line ends between them, relative to this file's\n"
    "; directory. They may contain *, ? and [...]. Included files cannot include others.\n"
    "\n";

class Sample {
  public:
    const std::string& make() {
        text_ = kTop;
        add_section("unix_http_server", "[unix_http_server]", "", false);
        add_section("inet_http_server", "[inet_http_server]", kInet, true);
        add_section("supervisord", "[supervisord]", "", false);
        add_section("rpcinterface", "[rpcinterface:supervisor]", kRpc, false, " = ");
        add_section("supervisorctl", "[supervisorctl]", kCtl, false);
        add_section("program", "[program:theprogramname]", kProgram, true);
        add_listener();
        add_fcgi();
        add_section("group", "[group:thegroupname]", kGroup, true);
        add_section("include", "[include]", kInclude, true, " = ");
        text_.pop_back();
        return text_;
    }

  private:
    void add_line(std::string line, std::string_view help) {
        if (!help.empty()) {
            if (line.size() < kHelpColumn) line.append(kHelpColumn - line.size(), ' ');
            line += " ; ";
            line += help;
        }
        text_ += line + "\n";
    }

    void add_option(const Option& option, bool off, std::string_view separator = "=",
                    std::string_view value = std::string_view()) {
        if (value.empty()) value = option.sample;
        std::string line = off || !option.active ? ";" : "";
        line.append(option.key).append(separator).append(value);
        add_line(line, option.help);
    }

    // A section: its header, then its keys in the order of the table.
    void add_section(std::string_view family, const char* header, const char* comment, bool off,
                     std::string_view separator = "=") {
        text_ += comment;
        text_ += off ? ";" : "";
        text_ += header;
        text_ += "\n";
        for (const Option& option : kOptions) {
            if (option.section == family && option.sample != nullptr) add_option(option, off, separator);
        }
        text_ += "\n";
    }

    // The keys of a program and its own, which come where the number of processes is set.
    void add_listener() {
        text_ += kListener;
        text_ += ";[eventlistener:theeventlistenername]\n";
        for (const Option& option : kOptions) {
            if (option.section != "program" || option.key.ends_with("_capture_maxbytes") ||
                option.key == "numprocs_start")
                continue;
            const Option* own = find_option("eventlistener", option.key);
            add_option(own != nullptr ? *own : option, true, "=",
                       option.key == "command" ? "/bin/eventlistener" : std::string_view());
            if (option.key != "numprocs") continue;
            add_option(*find_option("eventlistener", "events"), true);
            add_option(*find_option("eventlistener", "buffer_size"), true);
        }
        text_ += "\n";
    }

    void add_fcgi() {
        text_ += kFcgi;
        text_ += ";[fcgi-program:thefcgiprogramname]\n";
        add_option(*find_option("program", "command"), true, "=", "/usr/bin/example.fcgi");
        for (const Option& option : kOptions) {
            if (option.section == "fcgi-program") add_option(option, true);
        }
        text_ += "\n";
    }

    std::string text_;
};

}  // namespace
}  // namespace reeve

int main() {
    reeve::Sample sample;
    const std::string& text = sample.make();
    bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return std::fflush(stdout) == 0 && written ? 0 : 1;
}
