// The section [supervisorctl]: precedence, expansions, errors.
#include "ctl/settings.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "ctl/errors.hpp"

using namespace reeve::ctl;

namespace {

// A configuration file in a folder of its own.
class File {
  public:
    explicit File(const std::string& text) {
        char name[] = "/tmp/test-ctl-XXXXXX";
        folder_ = mkdtemp(name);
        path_ = folder_ + "/x.conf";
        FILE* file = std::fopen(path_.c_str(), "w");
        std::fputs(text.c_str(), file);
        std::fclose(file);
    }
    ~File() {
        unlink(path_.c_str());
        rmdir(folder_.c_str());
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    const std::string& folder() const { return folder_; }
    const std::string& path() const { return path_; }

  private:
    std::string folder_;
    std::string path_;
};

Settings read(const std::string& path, CommandLine line = {}) {
    line.configuration = path;
    return read_settings(line, "/none/bin/supervisorctl");
}

std::string refusal(const std::string& text) {
    File file(text);
    try {
        read(file.path());
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("without a file the defaults hold") {
    Settings settings = read("");
    CHECK(settings.server_url == "http://localhost:9001");
    CHECK(settings.prompt == "supervisor");
    CHECK(!settings.username);
    CHECK(settings.history_file == "");
}

TEST_CASE("the section is read, expanded, and overridden by options") {
    setenv("CTL_TEST", "value", 1);
    File file(
        "[supervisorctl]\nserverurl=unix://%(here)s/./"
        "s.sock\nusername=u\npassword=a%%b\nprompt=%(ENV_CTL_TEST)s\n"
        "history_file=%(here)s/../h\nbogus=%(x)s\n[program:x]\ncommand=%(nope)s\n");
    Settings settings = read(file.path());
    CHECK(settings.server_url == "unix://" + file.folder() + "/s.sock");
    CHECK(settings.username == "u");
    CHECK(settings.password == "a%b");
    CHECK(settings.prompt == "value");
    CHECK(settings.history_file == "/tmp/h");
    CommandLine line;
    line.server_url = "unix://./x";
    line.password = "other";
    settings = read(file.path(), line);
    CHECK(settings.server_url == "unix://./x");
    CHECK(settings.username == "u");
    CHECK(settings.password == "other");
}

TEST_CASE("errors") {
    CHECK(refusal("[supervisord]\n").starts_with(".ini file does not include supervisorctl section (/tmp/"));
    CHECK(refusal("[supervisorctl]\nserverurl=%(ENV_CTL_NONE)s\n")
              .ends_with(
                  " line 2, [supervisorctl] serverurl); no environment variable CTL_NONE is known here"));
    CHECK(refusal("[supervisorctl]\nprompt=%(here)s\n")
              .starts_with("Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here')"));
    CHECK(refusal("[supervisorctl]\nprompt=100%\n")
              .starts_with("Format string '100%' for 'supervisorctl.prompt' is badly formatted"));
    CHECK(refusal("x=y\n") != "");
    CHECK_THROWS_WITH_AS(read("/none/x.conf"), doctest::Contains("could not find config file /none/x.conf"),
                         UsageError);
    CHECK_THROWS_WITH_AS(read("/tmp"), doctest::Contains("could not read config file /tmp"), UsageError);
}

TEST_CASE("plugins are noticed") {
    File file("[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n");
    CHECK(read(file.path()).ctlplugins == std::vector<std::string>{"ctlplugin:x"});
}
