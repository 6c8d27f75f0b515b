// From a configuration to its two images, which their own checks must accept.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "daemon/confread/check.hpp"
#include "daemon/confread/images.hpp"
#include "scratch.hpp"

using namespace reeve;

namespace {

struct Images {
    std::vector<std::byte> spawner_bytes, engine_bytes;
    SpawnerImage spawner;
    EngineImage engine;

    explicit Images(const Configuration& configuration)
        : spawner_bytes(spawner_image(configuration)), engine_bytes(engine_image(configuration)) {
        CHECK(spawner.open(spawner_bytes) == nullptr);
        CHECK(engine.open(engine_bytes) == nullptr);
    }
    std::vector<std::string> refs(Range range) const {
        std::vector<std::string> out;
        for (std::uint32_t i = 0; i < range.count; ++i)
            out.emplace_back(spawner.text(spawner.ref(range.first + i)));
        return out;
    }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("an empty configuration") {
    Scratch scratch;
    Images images(scratch.read(""));
    CHECK(images.spawner.proc_count() == 0);
    CHECK(images.engine.server_count() == 0);
    CHECK(images.spawner.text(images.spawner.daemon().identifier) == "supervisor");
    CHECK(images.spawner.tables().listeners.count == 0);
}

TEST_CASE("each server has limits of its own") {
    Scratch scratch;
    Images images(scratch.read("[inet_http_server]\nport=1\nmax_body=1MB\nmax_connections=5\n"
                               "[unix_http_server]\nfile=/tmp/s\nmax_headers=1KB\nrequest_timeout=7\n"));
    const ServerLimits& inet = images.spawner.listener(0).limits;
    const ServerLimits& unix_socket = images.spawner.listener(1).limits;
    CHECK(inet.header_line == 8 * 1024);
    CHECK(inet.headers == 64 * 1024);
    CHECK(inet.body == 1024 * 1024);
    CHECK(inet.request_seconds == 30);
    CHECK(inet.connections == 5);
    CHECK(unix_socket.headers == 1024);
    CHECK(unix_socket.body == 8 * 1024 * 1024);
    CHECK(unix_socket.request_seconds == 7);
    CHECK(unix_socket.connections == 256);
}

TEST_CASE("a program as the spawner sees it") {
    Scratch scratch;
    Images images(scratch.read(
        "[supervisord]\nenvironment=G=1,FOO=global\n[unix_http_server]\nfile=/tmp/s.sock\n"
        "[program:p]\ncommand=run \"a b\"\nenvironment=X=2,SUPERVISOR_ENABLED=no\nuser=root\numask=27\n"
        "directory=/d\nstdout_logfile=/tmp/x.log\nstderr_logfile=/tmp/../tmp/x.log\nstdout_syslog=1\n"));
    const ProcRec& proc = images.spawner.proc(0);
    CHECK(images.refs(proc.argv) == Strings{"run", "a b"});
    CHECK(images.refs(proc.candidates) == Strings{"/p/run", "/q/run"});
    CHECK(images.refs(proc.env) == Strings{"PATH=/p:/q", "FOO=global", "SUPERVISOR_ENABLED=no",
                                           "SUPERVISOR_SERVER_URL=unix:///tmp/s.sock",
                                           "SUPERVISOR_PROCESS_NAME=p", "SUPERVISOR_GROUP_NAME=p", "G=1",
                                           "X=2"});
    CHECK(proc.identity.uid == 0);
    CHECK(images.spawner.gid(proc.identity.groups.first) == proc.identity.gid);
    CHECK(proc.umask == 027);
    CHECK(images.spawner.text(proc.directory) == "/d");
    CHECK(proc.out.stream_flags == (kStreamShared | kStreamSyslog));
    CHECK(proc.err.stream_flags == kStreamShared);
}

TEST_CASE("where a command is looked for") {
    Scratch scratch;
    auto candidates = [&](const std::string& keys, const Environment& environment) {
        Images images(scratch.read("[program:p]\n" + keys, {}, environment));
        return images.refs(images.spawner.proc(0).candidates);
    };
    CHECK(candidates("command=x\nenvironment=PATH=\"/a:/b\"\n", {}) == Strings{"/a/x", "/b/x"});
    CHECK(candidates("command=x\n", {}) == Strings{"/bin/x", "/usr/bin/x", "/usr/local/bin/x"});
    CHECK(candidates("command=x\n", {{"PATH", ""}}) == Strings{"/bin/x", "/usr/bin/x", "/usr/local/bin/x"});
    CHECK(candidates("command=./x\n", {}) == Strings{"./x"});
    CHECK(candidates("command=\"\"\n", {{"PATH", "/a"}}) == Strings{"/a/"});
    CHECK(candidates("command=\n", {}).empty());
}

TEST_CASE("the server's URL that programs are told") {
    Scratch scratch;
    auto url = [&](const std::string& text) {
        Images images(scratch.read(text));
        for (const std::string& entry : images.refs(images.spawner.proc(0).env)) {
            if (entry.starts_with("SUPERVISOR_SERVER_URL=")) return entry.substr(22);
        }
        return std::string("none");
    };
    const std::string program = "[program:p]\ncommand=x\n";
    CHECK(url(program) == "none");
    CHECK(url(program + "[inet_http_server]\nport=1\n[inet_http_server:b]\nport=h:2\n") == "http://h:2");
    CHECK(url(program + "[inet_http_server]\nport=1\n") == "http://localhost:1");
    CHECK(url(program + "serverurl=\n[inet_http_server]\nport=1\n") == "none");
    CHECK(url(program + "serverurl=x\n[inet_http_server]\nport=1\n") == "x");
    CHECK(url(program + "serverurl= auto\n[inet_http_server]\nport=1\n[unix_http_server]\nfile=/tmp/s\n") ==
          "unix:///tmp/s");
}

TEST_CASE("addresses are resolved") {
    Scratch scratch;
    Images images(scratch.read(
        "[inet_http_server]\nport=127.0.0.1:80\n[inet_http_server:6]\nport=[::1]:80\n[inet_http_server:no]\nport=[x]:80\n"
        "[unix_http_server]\n"
        "file=/tmp/s\nusername=u\npassword=p\nallowed_hosts=a b\n"));
    CHECK(images.spawner.listener(0).address.family == AF_INET);
    CHECK(images.spawner.listener(0).resolve_error == 0);
    CHECK(images.spawner.listener(0).authenticated == 0);
    CHECK(images.spawner.listener(1).address.family == AF_INET6);
    CHECK(images.spawner.listener(1).resolve_error == 0);
    CHECK(images.spawner.listener(2).resolve_error == -2);
    CHECK(images.spawner.listener(3).address.family == AF_UNIX);
    CHECK(images.spawner.listener(3).authenticated == 1);
    CHECK(images.spawner.text(images.spawner.listener(3).allowed_hosts) == "a b");
    CHECK(images.engine.server(0).username.offset == kAbsent);
    CHECK(images.engine.text(images.engine.server(3).password) == "p");
}

TEST_CASE("what counts as a change") {
    Scratch scratch;
    auto definition = [&](const std::string& keys) {
        return definition_of(*processes(scratch.read("[program:p]\ncommand=x\n" + keys))[0]);
    };
    auto before = definition("");
    CHECK(definition("startsecs=1\nbogus=1\n") == before);
    CHECK(definition("stdout_logfile=/tmp/x\n") == before);  // paths are compared elsewhere
    CHECK(definition("environment=A=1,B=2\n") == definition("environment=B=2,A=1\n"));
    for (const char* keys : {"command=y\n",
                             "directory=/\n",
                             "umask=0\n",
                             "user=root\n",
                             "priority=1\n",
                             "autostart=0\n",
                             "autorestart=0\n",
                             "startsecs=2\n",
                             "startretries=1\n",
                             "stopsignal=INT\n",
                             "stopwaitsecs=1\n",
                             "stopasgroup=1\n",
                             "killasgroup=1\n",
                             "redirect_stderr=1\n",
                             "exitcodes=\n",
                             "exitcodes=0,1\n",
                             "serverurl=\n",
                             "serverurl=x\n",
                             "stdout_capture_maxbytes=1\n",
                             "stderr_events_enabled=1\n",
                             "stdout_syslog=1\n",
                             "stdout_logfile_backups=1\n",
                             "stderr_logfile_maxbytes=1\n",
                             "environment=A=1\n",
                             "[supervisord]\nenvironment=A=1\n"}) {
        CAPTURE(keys);
        CHECK(definition(keys) != before);
    }
}

TEST_CASE("lines are sorted by level") {
    std::vector<Line> lines = {
        {Level::Info, "a"}, {Level::Warn, "b"}, {Level::Critical, "c"}, {Level::Warn, "d"}};
    std::string order;
    for (const Line& line : sorted_lines(lines)) order += line.text;
    CHECK(order == "cbda");
}

TEST_CASE("--check-config tells what is odd") {
    Scratch scratch;
    std::string path =
        scratch.write("x.conf",
                      "[supervisord]\nloglevle=info\n[prgram:x]\n[program]\n[program:y]\n"
                      "command=/no/such\ndirectory=/no\nautostrat=1\n[program:z]\nautostart=maybe\n");
    CommandLine line = parse_command_line({"supervisord", "-c", path, "--check-config"});
    Context context(line, {}, false);
    context.attempt([&] { read_configuration(context); });
    REQUIRE(context.errors.size() == 2);
    CHECK(context.errors[0].starts_with("not a valid boolean value: 'maybe'"));
    CHECK(context.errors[1].starts_with("program section program:z does not specify a command"));
    std::string all;
    for (const std::string& oddity : find_oddities(context)) all += oddity + "\n";
    for (const char* text :
         {"unknown key 'loglevle' in [supervisord]", "did you mean 'loglevel'?", "did you mean [program:x]?",
          "unknown section [program] is ignored", "can't find command '/no/such'",
          "there is no directory '/no'", "did you mean 'autostart'?"}) {
        CAPTURE(text);
        CHECK(all.find(text) != std::string::npos);
    }
}

TEST_CASE("ten thousand programs fit") {
    Scratch scratch;
    std::string text;
    for (int i = 0; i < 10000; ++i) text += "[program:p" + std::to_string(i) + "]\ncommand=sleep 1\n";
    Images images(scratch.read(text));
    CHECK(images.spawner.proc_count() == 10000);
}
