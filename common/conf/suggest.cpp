// "Did you mean". See suggest.hpp.
#include "common/conf/suggest.hpp"

#include <algorithm>
#include <vector>

namespace reeve {
namespace {

// How many characters must be added, removed, changed or swapped with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> known) {
    std::size_t best = word.size() <= 3 ? 2 : word.size() <= 7 ? 3 : 4;  // one more than is near enough
    std::string_view found;
    for (std::string_view candidate : known) {
        std::size_t longer = std::max(word.size(), candidate.size());
        if (longer - std::min(word.size(), candidate.size()) >= best) continue;
        std::size_t steps = distance(word, candidate);
        if (steps < best && steps > 0) {
            best = steps;
            found = candidate;
        }
    }
    return std::string(found);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
    std::string found = nearest(word, known);
    return found.empty() ? "" : "; did you mean '" + found + "'?";
}

}  // namespace reeve
