// printf-like conversions of named values: what expand() is made of. Texts of errors are those of the
// original, because they end up in messages that people know.
#pragma once

#include <string>
#include <string_view>

#include "common/conf/expand.hpp"

namespace reeve {

// Why a text cannot be expanded; expand() makes a sentence of it.
struct BadFormat {
    std::string reason;
};
struct UnknownName {
    std::string name;
};

// Throws BadFormat, UnknownName. Names are looked up as soon as they are read, so the first error counts.
std::string format_text(std::string_view text, const Names& names);

}  // namespace reeve
