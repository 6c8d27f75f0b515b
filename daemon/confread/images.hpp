// From the configuration to its two images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/confread/model.hpp"

namespace reeve {

// Files to look at for a command's first word, in order: the word itself if it has a slash, else one path for
// each entry of PATH.
class Candidates {
  public:
    explicit Candidates(const Configuration& configuration);
    // Of a process with at least one word.
    std::vector<std::string> of(const ProcessSetting& process) const;

  private:
    std::string path_;  // where the program has no PATH of its own
};

// Paths that several logs share, or a log and the main log. Such files are written with O_APPEND.
class SharedLogs {
  public:
    explicit SharedLogs(const Configuration& configuration);
    bool contains(const LogSetting& log) const;

  private:
    std::map<std::string, int> uses_;
};

// Flags of a process's stream (kStream...).
std::uint32_t stream_flags(const LogSetting& log, const ProcessSetting& process, const DaemonSetting& daemon,
                           const SharedLogs& shared);

// SUPERVISOR_SERVER_URL where serverurl=AUTO; "" if there is no server.
std::string server_url(const Configuration& configuration);

// What counts as a change of the process, the paths of its logs excepted.
std::pair<std::uint64_t, std::uint64_t> definition_of(const ProcessSetting& process);

std::vector<std::byte> spawner_image(const Configuration& configuration);
std::vector<std::byte> engine_image(const Configuration& configuration);

// Lines for the main log: CRIT, then WARN, then INFO, each in order of origin.
std::vector<Line> sorted_lines(const std::vector<Line>& lines);

}  // namespace reeve
