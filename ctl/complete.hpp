// What the Tab key offers: names of actions, then names of the groups or processes that supervisord has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ctl/process_list.hpp"

namespace reeve::ctl {

class Session;

class Completion {
  public:
    explicit Completion(Session& session) : session_(session) {}

    // All words that can stand where `word` is typed in `line`. Asks supervisord at most once a line; if it
    // does not answer there are none.
    std::vector<std::string> candidates(const std::string& line, const std::string& word);
    // Forgets what supervisord has said, after each line that is carried out.
    void forget() { infos_.reset(); }

  private:
    Session& session_;
    std::optional<std::vector<ProcessInfo>> infos_;
};

// The parts of it that need no server, for the tests.
std::vector<std::string> action_names(const std::string& word);
std::vector<std::string> group_names(const std::vector<ProcessInfo>& infos, const std::string& word);
std::vector<std::string> process_names(const std::vector<ProcessInfo>& infos, const std::string& word);

}  // namespace reeve::ctl
