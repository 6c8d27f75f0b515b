// "Did you mean": finds the known word that is nearest to an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace reeve {

// The nearest word if it is near enough to be a slip of the keyboard, else "".
std::string nearest(std::string_view word, std::span<const std::string_view> known);
// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace reeve
