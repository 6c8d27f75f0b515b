// help, and the actions that end the shell.
#include <algorithm>
#include <vector>

#include "ctl/commands/table.hpp"
#include "ctl/process_list.hpp"
#include "ctl/session.hpp"

namespace reeve::ctl {
namespace {

constexpr std::size_t kWidth = 79;
constexpr std::size_t kGap = 2;

// Words in columns, filled from top to bottom, in as few rows as the width allows.
std::vector<std::string> in_columns(const std::vector<std::string_view>& words) {
    for (std::size_t rows = 1; rows <= words.size(); ++rows) {
        std::size_t columns = (words.size() + rows - 1) / rows;
        std::vector<std::size_t> widths(columns);
        std::size_t total = kGap * (columns - 1);
        for (std::size_t column = 0; column < columns; ++column) {
            for (std::size_t i = column * rows; i < std::min((column + 1) * rows, words.size()); ++i)
                widths[column] = std::max(widths[column], words[i].size());
            total += widths[column];
        }
        if (total > kWidth && rows < words.size()) continue;
        std::vector<std::string> lines(rows);
        for (std::size_t i = 0; i < words.size(); ++i) {
            std::string& line = lines[i % rows];
            if (i >= rows) line += std::string(kGap, ' ');
            line += padded(words[i], widths[i / rows]);
        }
        return lines;
    }
    return {};
}

void list(Session& session, std::string_view title, bool added) {
    std::vector<std::string_view> names;
    for (const Action& action : action_table()) {
        if (!action.help.empty() && action.name != "help" && action.added == added)
            names.push_back(action.name);
    }
    session.out.line(title);
    session.out.line(std::string(title.size(), '='));
    for (const std::string& line : in_columns(names)) session.out.line(line);
    session.out.line("");
}

}  // namespace

void do_help(Session& session, const std::string& argument) {
    if (!argument.empty()) {
        const Action* action = find_action(argument);
        if (action == nullptr || action->help.empty()) return session.out.line("*** No help on " + argument);
        return session.usage(argument);
    }
    session.out.line("");
    list(session, "default commands (type help <topic>):", false);
    list(session, "added commands (type help <topic>):", true);
}

void do_quit(Session& session, const std::string&) {
    session.out.line("");
    session.ended = true;
}

}  // namespace reeve::ctl
