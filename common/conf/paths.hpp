// Paths as configuration values have them, and where configuration files are looked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reeve {

// ~ and ~user at the beginning become the home directory; left alone if there is none.
std::string expand_user(std::string_view path);
// Without ".", "..", double slashes and a slash at the end, by text alone. "" becomes ".".
std::string normalize_path(std::string_view path);
// Normalized; a relative path is put behind the working directory.
std::string absolute_path(std::string_view path);
// All up to the last slash, without slashes at its end unless it is the root; "" if there is none.
std::string directory_of(std::string_view path);
// Joins like a shell user would: an absolute second path replaces the first.
std::string join_path(std::string_view folder, std::string_view path);

// Where a configuration file is looked for, in order, by a program that was called as argv0.
std::vector<std::string> default_config_paths(std::string_view argv0);
// The first of them that exists, or "".
std::string find_config(const std::vector<std::string>& paths);

}  // namespace reeve
