// supervisor-confread: reads the command line and the configuration of supervisord, checks everything, writes
// two images, and ends. supervisord runs it at its start, at a restart and at each re-read, with
//   argv      its own, argv[0] as it was called
//   3, 4      memory files for the spawner's and the engine's image
//   REEVE_REREAD=N in the environment at a re-read: errors then go to a client, not to a terminal
// Status 0: written and sealed (or, with -h, -v and --check-config, nothing to be written); 2: the user has
// to change something, stderr says what; 70: a fault of this program.
#include <errno.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "daemon/confread/check.hpp"
#include "daemon/confread/command_line.hpp"
#include "daemon/confread/context.hpp"
#include "daemon/confread/images.hpp"
#include "daemon/confread/output.hpp"
#include "daemon/confread/privileges.hpp"
#include "reeve_config.hpp"

namespace reeve {
namespace {

constexpr const char* kRereadVariable = "REEVE_REREAD";
constexpr int kUsage = 2;
constexpr int kSoftware = 70;

int fault(const char* what, const char* detail) {
    std::fprintf(stderr, "supervisor-confread: %s: %s; this is a bug\n", what, detail);
    return kSoftware;
}

// The whole of stdout, or a status that says that it could not be written.
int print(const std::string& text) {
    bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return std::fflush(stdout) == 0 && written ? 0 : 1;
}

int check_configuration(Context& context) {
    context.attempt([&] { read_configuration(context); });
    if (context.errors.empty()) {
        context.attempt([&] {  // which finds what is too large for a start
            spawner_image(context.out);
            engine_image(context.out);
        });
    }
    std::string text;
    for (const std::string& oddity : find_oddities(context)) text += "note: " + oddity + "\n";
    if (context.errors.empty()) {
        std::size_t processes = 0;
        for (const GroupSetting& group : context.out.groups) processes += group.processes.size();
        text += context.out.daemon.config_file + ": good, " + std::to_string(context.out.groups.size()) +
                " groups with " + std::to_string(processes) + " processes\n";
    }
    int status = print(text);
    for (const std::string& error : context.errors) std::fprintf(stderr, "Error: %s\n", error.c_str());
    return context.errors.empty() ? status : kUsage;
}

int write_images(const Configuration& configuration) {
    std::vector<std::byte> spawner = spawner_image(configuration);
    std::vector<std::byte> engine = engine_image(configuration);
    SpawnerImage spawner_check;
    EngineImage engine_check;
    if (const char* wrong = spawner_check.open(spawner))
        return fault("the spawner's image is unsound", wrong);
    if (const char* wrong = engine_check.open(engine)) return fault("the engine's image is unsound", wrong);
    if (!write_sealed(kSpawnerImageFd, spawner) || !write_sealed(kEngineImageFd, engine)) {
        std::fprintf(stderr, "Error: the configuration cannot be handed over: %s\n", std::strerror(errno));
        return 1;
    }
    return 0;
}

void warn_of_search(const CommandLine& line) {
    if (line.configuration || ::getuid() != 0) return;
    std::fprintf(
        stderr,
        "%s: UserWarning: Supervisord is running as root and it is searching for its configuration file "
        "in default locations (including its current working directory); you probably want to specify "
        "a \"-c\" argument specifying an absolute path to a configuration file for improved security.\n",
        line.program.c_str());
}

int run(const std::vector<std::string>& words, const Environment& environment, bool reread) {
    CommandLine line = parse_command_line(words);
    switch (line.action) {
        case Action::Help: return print(help_text(line.program));
        case Action::Version: return print(std::string(REEVE_VERSION) + "\n");
        case Action::CheckConfig:
        case Action::Run: break;
    }
    Context context(line, environment, reread);
    if (line.action == Action::CheckConfig) return check_configuration(context);
    if (!is_memory_file(kSpawnerImageFd) || !is_memory_file(kEngineImageFd)) {
        std::fputs(
            "supervisor-confread is run by supervisord, which hands it memory files as descriptors 3 and 4; "
            "to check a configuration run `supervisord --check-config`\n",
            stderr);
        return kUsage;
    }
    if (!reread) warn_of_search(line);
    read_configuration(context);
    return write_images(context.out);
}

Environment take_environment(char** envp, bool& reread) {
    Environment environment = process_environment(envp);
    for (std::size_t i = 0; i < environment.size(); ++i) {
        if (environment[i].first != kRereadVariable) continue;
        reread = true;
        environment.erase(environment.begin() + static_cast<std::ptrdiff_t>(i));
        break;
    }
    return environment;
}

}  // namespace
}  // namespace reeve

int main(int argc, char** argv) {
    using namespace reeve;
    drop_privileges();
    bool reread = false;
    Environment environment = take_environment(environ, reread);
    std::vector<std::string> words(argv, argv + argc);
    try {
        return run(words, environment, reread);
    } catch (const ConfigError& error) {
        if (reread) {
            std::fprintf(stderr, "%s\n", error.what());
        } else {
            const char* program = argc > 0 ? argv[0] : "supervisord";
            std::fprintf(stderr, "Error: %s\nFor help, use %s -h\n", error.what(), program);
        }
        return kUsage;
    } catch (const std::exception& error) {
        return fault("unexpected exception", error.what());
    }
}
