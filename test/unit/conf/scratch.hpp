// A scratch folder with configuration files, and how to read them.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "daemon/confread/command_line.hpp"
#include "daemon/confread/context.hpp"

namespace reeve {

class Scratch {
  public:
    Scratch() {
        char name[] = "/tmp/conf_test.XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    ~Scratch() { std::filesystem::remove_all(folder_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    const std::string& folder() const { return folder_; }
    std::string write(const std::string& name, const std::string& text) {
        std::string path = folder_ + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path) << text;
        return path;
    }

    // Reads a main file of that text; [supervisord] is added. Throws ConfigError.
    Configuration read(const std::string& text, std::vector<std::string> arguments = {},
                       const Environment& environment = {{"PATH", "/p:/q"}, {"FOO", "orig"}}) {
        std::vector<std::string> words = {"supervisord", "-c", write("x.conf", with_daemon(text))};
        words.insert(words.end(), arguments.begin(), arguments.end());
        CommandLine line = parse_command_line(words);
        Context context(line, environment, true);
        read_configuration(context);
        return context.out;
    }
    // The error that read() throws, with the scratch folder as <D>.
    std::string refusal(const std::string& text, std::vector<std::string> arguments = {}) {
        try {
            read(text, arguments);
        } catch (const ConfigError& error) {
            std::string shown = error.what();
            for (std::size_t at; (at = shown.find(folder_)) != std::string::npos;)
                shown.replace(at, folder_.size(), "<D>");
            return shown;
        }
        return "accepted";
    }

  private:
    static std::string with_daemon(const std::string& text) {
        return text.find("[supervisord]") == std::string::npos ? "[supervisord]\n" + text : text;
    }
    std::string folder_;
};

// All processes, in the order of the image.
inline std::vector<const ProcessSetting*> processes(const Configuration& configuration) {
    std::vector<const ProcessSetting*> out;
    for (const GroupSetting& group : configuration.groups) {
        for (const ProcessSetting& process : group.processes) out.push_back(&process);
    }
    return out;
}

// The texts of the lines of a level.
inline std::vector<std::string> lines_of(const Configuration& configuration, Level level) {
    std::vector<std::string> out;
    for (const Line& line : configuration.lines) {
        if (line.level == level) out.push_back(line.text);
    }
    return out;
}

}  // namespace reeve
