// Whole configurations: programs, groups, servers, includes, and what is said about bad ones.
#include <doctest/doctest.h>

#include "scratch.hpp"

using namespace reeve;

namespace {

std::string names(const Configuration& configuration) {
    std::string text;
    for (const GroupSetting& group : configuration.groups) {
        text += (text.empty() ? "" : " ") + group.name + ":";
        for (const ProcessSetting& process : group.processes) text += process.name + ",";
    }
    return text;
}

constexpr const char* kCat = "command=/bin/cat\n";

}  // namespace

TEST_CASE("variables feed later expansions") {
    Scratch scratch;
    Configuration conf = scratch.read(
        "[supervisord]\nenvironment=A=1,B=2,FOO=\"%(ENV_FOO)s:x\"\n"
        "[program:p]\nenvironment=B=3,C=4,D=\"%(ENV_A)s\"\ncommand=echo %(ENV_A)s %(ENV_C)s %(ENV_FOO)s\n");
    const ProcessSetting& process = *processes(conf)[0];
    CHECK(process.command == "echo 1 4 orig:x");
    CHECK(process.environment ==
          Environment{{"A", "1"}, {"B", "3"}, {"FOO", "orig:x"}, {"C", "4"}, {"D", "1"}});
    CHECK(scratch.refusal("[supervisord]\nenvironment=L=x\nlogfile=%(ENV_L)s/y\n").find("ENV_L") !=
          std::string::npos);
    CHECK(scratch.refusal("[program:p]\ncommand=x\nenvironment=A=\"1\",B=\"%(ENV_A)s\"\n")
              .starts_with(
                  "Format string 'A=\"1\",B=\"%(ENV_A)s\"' for 'environment' contains names ('ENV_A')"));
    conf = scratch.read("[supervisord]\nenvironment=L=/x\n[unix_http_server]\nfile=%(ENV_L)s/s.sock\n");
    CHECK(conf.servers[0].path == "/x/s.sock");
}

TEST_CASE("numbers of processes") {
    Scratch scratch;
    Configuration conf = scratch.read(
        "[program:p]\ncommand=echo %(ENV_N)s %(numprocs)d %(group_name)s\nprocess_name=p%(process_num)d\n"
        "environment=N=\"%(process_num)02d\"\nnumprocs=3\nnumprocs_start=9\n");
    CHECK(names(conf) == "p:p10,p11,p9,");
    CHECK(processes(conf)[2]->command == "echo 09 3 p");
    CHECK(names(scratch.read("[program:p]\nnumprocs=0\n")) == "p:");
    std::string error = scratch.refusal("[program:p]\ncommand=x\nnumprocs=2\n");
    CHECK(
        error ==
        "%(process_num) must be present within process_name when numprocs > 1 in section 'program:p' (file: "
        "'<D>/x.conf') (<D>/x.conf line 4, [program:p] numprocs); for example "
        "process_name=%(program_name)s_%(process_num)02d");
}

TEST_CASE("logs of programs") {
    Scratch scratch;
    auto log = [&](const std::string& keys) {
        return processes(scratch.read("[program:p]\ncommand=x\n" + keys))[0]->out;
    };
    CHECK(log("stdout_logfile=/tmp/a%%%%b.log\n").path == "/tmp/a%b.log");
    CHECK(log("stdout_logfile=none\n").kind == LogKind::None);
    CHECK(log("stdout_logfile=/dev/stdout\n").kind == LogKind::Descriptor);
    CHECK(log("stdout_logfile=/dev/stderr\n").descriptor == 2);
    CHECK(log("stdout_logfile=/proc/self/fd/7\n").descriptor == 7);
    CHECK(log("stdout_logfile=/dev/null\n").kind == LogKind::File);
    CHECK(log("stdout_logfile=syslog\n").syslog);
    LogSetting automatic = log("[supervisord]\nchildlogdir=/usr\nidentifier=me\n");
    CHECK(automatic.path.starts_with("/usr/p-stdout---me-"));
    CHECK(automatic.path.size() == std::string("/usr/p-stdout---me-12345678.log").size());
    CHECK(
        scratch.refusal("[program:p]\ncommand=x\nstdout_logfile=/tmp/a%%b.log\n")
            .starts_with("Format string '/tmp/a%b.log' for 'stdout_logfile' is badly formatted: unsupported "
                         "format character 'b' (0x62) at index 7 in section 'program:p'"));
}

TEST_CASE("lines for the log") {
    Scratch scratch;
    scratch.write("i/a.conf", "[program:p]\nstartsecs=2\n");
    Configuration conf = scratch.read(
        "[program:p]\ncommand=x\nstdout_logfile=syslog\nstderr_logfile=/tmp/x\nredirect_stderr=1\n"
        "[program:q]\ncommand=x\nstdout_logfile_maxbytes=0\n[include]\nfiles=i/*.conf no/*\n");
    CHECK(
        lines_of(conf, Level::Info) ==
        std::vector<std::string>{"Included extra file \"" + scratch.folder() + "/i/a.conf\" during parsing"});
    CHECK(lines_of(conf, Level::Warn) ==
          std::vector<std::string>{
              "No file matches via include \"" + scratch.folder() + "/no/*\"",
              "Section [program:p] of " + scratch.folder() + "/x.conf line 2 is continued at " +
                  scratch.folder() + "/i/a.conf line 1: values there override the first ones",
              "For [program:p], stdout_logfile=syslog but this is deprecated and will be removed.  Use "
              "stdout_syslog=true to enable syslog instead.",
              "For [program:p], redirect_stderr=true but stderr_logfile has also been set to a filename, the "
              "filename has been ignored",
              "For [program:q], AUTO logging used for stdout_logfile without rollover, set maxbytes > 0 to "
              "avoid "
              "filling up filesystem unintentionally"});
    conf = scratch.read("[program:p]\ncommand=bash -c 'a ; b'\n");
    CHECK(processes(conf)[0]->command_status == CommandStatus::NoClosingQuotation);
    CHECK(lines_of(conf, Level::Warn).size() == 1);
}

TEST_CASE("groups") {
    Scratch scratch;
    const std::string abc =
        std::string("[program:a]\n") + kCat + "[program:b]\npriority=5\n" + kCat + "[program:c]\n" + kCat;
    CHECK(names(scratch.read(abc + "[group:g]\nprograms=b,a\n")) == "c:c, g:b,a,");
    CHECK(names(scratch.read(abc)) == "b:b, a:a, c:c,");
    CHECK(names(scratch.read(abc + "[group:g]\nprograms=a\n[group:h]\nprograms=a\npriority=1\n")) ==
          "h:a, b:b, c:c, g:a,");
    CHECK(names(scratch.read("[group:g]\n")) == "g:");
    Configuration conf = scratch.read(abc + "[group:c]\nprograms=a\n");
    CHECK(names(conf) == "b:b, c:a,");
    CHECK(lines_of(conf, Level::Warn).size() == 1);
    struct Row {
        const char* programs;
        const char* error;
    };
    for (Row row : {Row{"nosuch", "[group:g] names unknown program or fcgi-program nosuch"},
                    Row{"a,nosuch", "[program:a] names unknown program or fcgi-program nosuch"},
                    Row{"a,", "[program:a] names unknown program or fcgi-program "}}) {
        CHECK(scratch.refusal(abc + "[group:g]\nprograms=" + row.programs + "\n").starts_with(row.error));
    }
    CHECK(scratch.refusal("[program:web]\ncommand=x\n[group:g]\nprograms=wbe\n")
              .ends_with("; did you mean 'web'?"));
    CHECK(scratch.refusal(abc + "[fcgi-program:a]\n[group:g]\nprograms=a\n")
              .starts_with("[group:g] name a is ambiguous (exists as program and fcgi-program)"));
}

TEST_CASE("event listeners") {
    Scratch scratch;
    Configuration conf = scratch.read(
        "[eventlistener: e ]\ncommand=x\nevents=tick_5, PROCESS_STATE\nstdout_events_enabled=1\n");
    CHECK(conf.groups[0].name == " e ");
    CHECK(conf.groups[0].processes[0].name == "e");
    CHECK(conf.groups[0].priority == -1);
    CHECK(conf.groups[0].processes[0].program->priority == 999);
    CHECK(conf.groups[0].buffer_size == 1024);
    CHECK(conf.groups[0].events != 0);
    struct Row {
        const char* keys;
        const char* error;
    };
    for (Row row :
         {Row{"", "[eventlistener:e] section requires an \"events\" line"},
          Row{"events=\n", "[eventlistener:e] section requires an \"events\" line"},
          Row{"events=NO\n", "Unknown event type NO in [eventlistener:e] events"},
          Row{"events=TICK_5,\n", "Unknown event type  in [eventlistener:e] events"},
          Row{"events=EVENT\nbuffer_size=0\n", "[eventlistener:e] section sets invalid buffer_size (0)"},
          Row{"events=EVENT\nresult_handler=a:b\n", "a:b cannot be resolved within [eventlistener:e]: "},
          Row{"events=EVENT\nredirect_stderr=1\n",
              "[eventlistener:e] section sets redirect_stderr=true but this is not allowed"}}) {
        CHECK(
            scratch.refusal("[eventlistener:e]\ncommand=x\n" + std::string(row.keys)).starts_with(row.error));
    }
}

TEST_CASE("FastCGI programs") {
    Scratch scratch;
    Configuration conf = scratch.read(
        "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/%(program_name)s.sock\nsocket_mode=0660\n"
        "[fcgi-program:m]\ncommand=x\nsocket=tcp://LocalHost:9\n[fcgi-program:n]\ncommand=x\n"
        "[group:g]\nprograms=m,n\n[group:h]\nprograms=m\n");
    CHECK(names(conf) == "f:f, g:m,n, h:m,");
    CHECK(conf.groups[0].kind == ProgramKind::Fcgi);
    CHECK(conf.groups[0].fcgi_url == "unix:///tmp/f.sock");
    CHECK(conf.groups[1].kind == ProgramKind::Program);
    CHECK(conf.fcgi.size() == 2);
    CHECK(processes(conf)[1]->program->kind == ProgramKind::Fcgi);
    CHECK(processes(conf)[1]->program->fcgi == processes(conf)[3]->program->fcgi);
    CHECK(processes(conf)[2]->program->kind == ProgramKind::Program);  // without a socket: a plain program
    CHECK(scratch.refusal("[fcgi-program:f]\ncommand=x\n")
              .starts_with("[fcgi-program:f] section requires a \"socket\" line"));
    CHECK(scratch.refusal("[fcgi-program:f]\ncommand=x\nsocket=udp://x\n")
              .starts_with("('Bad socket format %s', 'udp://x') in [fcgi-program:f] socket"));
    CHECK(scratch.refusal("[fcgi-program:f]\ncommand=x\nsocket=tcp://a:1\nsocket_mode=0700\n")
              .starts_with(
                  "socket_owner and socket_mode params should only be used with a Unix domain socket in "
                  "[fcgi-program:f] socket"));
}

TEST_CASE("servers") {
    Scratch scratch;
    Configuration conf = scratch.read(
        "[unix_http_server]\nfile= %(here)s/./s.sock\nchmod=0770\nusername=\npassword=\n"
        "[inet_http_server]\nport=*:1\n[inet_http_server:two]\nport=h:2\nusername=u\npassword=p%%\n"
        "max_connections=5\nmax_body=1MB\n");
    REQUIRE(conf.servers.size() == 3);
    CHECK(conf.servers[0].section == "inet_http_server");
    CHECK(conf.servers[1].password == "p%");
    CHECK(conf.servers[1].limits.body == 1024 * 1024);
    CHECK(conf.servers[1].limits.connections == 5);
    CHECK(conf.servers[2].path == scratch.folder() + "/s.sock");
    CHECK(conf.servers[2].mode == 0770);
    CHECK(conf.servers[2].username.empty());
    CHECK(scratch.refusal("[unix_http_server:x]\n")
              .starts_with("section [unix_http_server:x] has no file value"));
    CHECK(scratch.refusal("[inet_http_server]\nport=1\nmax_connections=0\n")
              .starts_with("0 is not between 1 and 65536"));
    CHECK(
        scratch.refusal("[inet_http_server]\nport=1\nusername=a\n")
            .starts_with("Section [inet_http_server] contains incomplete authentication: If a username or a "
                         "password is specified, both the username and password must be specified"));
}

TEST_CASE("plugins") {
    Scratch scratch;
    const std::string foreign = "[rpcinterface:x]\nsupervisor.rpcinterface_factory=a.b:c\n";
    CHECK(scratch.refusal(foreign) ==
          "a.b:c cannot be resolved within [rpcinterface:x]: Python code cannot be loaded here (<D>/x.conf "
          "line 3, "
          "[rpcinterface:x] supervisor.rpcinterface_factory); unknown_plugins=warn in [supervisord] goes on "
          "without it");
    Configuration conf = scratch.read("[supervisord]\nunknown_plugins=warn\n" + foreign);
    CHECK(conf.namespaces.empty());
    CHECK(lines_of(conf, Level::Warn).size() == 1);
    const std::string standard =
        "[rpcinterface:s]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";
    CHECK(scratch.read(standard).namespaces == std::vector<std::string>{"s"});
    CHECK(scratch.read(standard + "x=1\n").namespaces.size() == 1);
    CHECK(scratch.refusal("[inet_http_server]\nport=1\n" + standard + "x=1\n")
              .starts_with("Could not make s rpc interface"));
}

TEST_CASE("includes") {
    Scratch scratch;
    scratch.write("sub/x.conf", "[program:x]\ncommand=%(here)s/run %(here)3s\n[include]\nfiles=../no.conf\n");
    scratch.write("no.conf", "[program:no]\ncommand=x\n");
    Configuration conf = scratch.read("[include]\nfiles=%(here)s/sub/*.conf\n");
    CHECK(names(conf) == "x:x,");
    CHECK(processes(conf)[0]->command == scratch.folder() + "/sub/run " + scratch.folder());
    scratch.write("sub/x.conf", "[program:x]\ncommand=y\nautostart=maybe\n");
    CHECK(scratch.refusal("[include]\nfiles=sub/*.conf\n") ==
          "not a valid boolean value: 'maybe' in section 'program:x' (file: '<D>/sub/x.conf') "
          "(<D>/sub/x.conf line "
          "3, [program:x] autostart); expected true or false");
    CHECK(scratch.refusal("[include]\nx=1\n")
              .starts_with(".ini file has [include] section, but no files setting"));
}

TEST_CASE("settings of the daemon, and options that override them") {
    Scratch scratch;
    const std::string file =
        "[supervisord]\nlogfile=/tmp/l\npidfile=/tmp/p\nloglevel=debug\nminfds=5\nnodaemon=0\n";
    DaemonSetting daemon = scratch.read(file).daemon;
    CHECK(daemon.log.path == "/tmp/l");
    CHECK(daemon.loglevel == Level::Debug);
    CHECK(daemon.umask == 022);
    CHECK_FALSE(daemon.nodaemon);
    daemon =
        scratch.read(file, {"-n", "-l", "/tmp/m", "-e", "warn", "-a", "7", "-m", "77", "-i", "me"}).daemon;
    CHECK(daemon.nodaemon);
    CHECK(daemon.log.path == "/tmp/m");
    CHECK(daemon.loglevel == Level::Warn);
    CHECK(daemon.minfds == 7);
    CHECK(daemon.umask == 077);
    CHECK(daemon.identifier == "me");
    CHECK(scratch.read("[supervisord]\nlogfile=syslog\n").daemon.log.kind == LogKind::Syslog);
    // A value in the file is checked all the same, but not user=.
    CHECK(scratch.refusal("[supervisord]\nlogfile=/no/x\n", {"-l", "/tmp/m"}) != "accepted");
    CHECK(scratch.refusal("[supervisord]\nuser=nosuch\n").starts_with("Invalid user name nosuch"));
    CHECK(scratch.read("[supervisord]\nuser=nosuch\n", {"-u", "root"}).daemon.uid == 0);
    CHECK(scratch.refusal("[supervisord]\nlog_symlinks=maybe\n")
              .starts_with("must be 'refuse' or 'allow', not 'maybe'"));
}
