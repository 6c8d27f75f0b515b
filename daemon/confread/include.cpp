// Finds the configuration file and reads it together with the files of [include].
#include <glob.h>
#include <unistd.h>

#include <algorithm>

#include "common/conf/paths.hpp"
#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"
#include "daemon/confread/context.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {
namespace {

std::string find_file(const CommandLine& line) {
    if (line.configuration) return *line.configuration;
    std::vector<std::string> paths = default_config_paths(line.program);
    std::string found = find_config(paths);
    if (!found.empty()) return found;
    std::string list;
    for (const std::string& path : paths) list += (list.empty() ? "" : ", ") + path;
    throw ConfigError("No config file found at default paths (" + list +
                      "); use the -c option to specify a config file at a different path");
}

std::vector<std::string> split_blanks(std::string_view text) {
    std::vector<std::string> words;
    std::size_t start = 0;
    for (std::size_t pos = 0; pos < text.size();) {
        std::size_t at = pos;
        if (!is_unicode_space(decode_utf8(text, pos))) continue;
        if (at > start) words.emplace_back(text.substr(start, at - start));
        start = pos;
    }
    if (start < text.size()) words.emplace_back(text.substr(start));
    return words;
}

// What a pattern matches, by code point.
std::vector<std::string> matches(const std::string& pattern) {
    std::vector<std::string> paths;
    glob_t found{};
    if (::glob(pattern.c_str(), GLOB_NOSORT | GLOB_NOESCAPE, nullptr, &found) == 0)
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    std::sort(paths.begin(), paths.end());
    return paths;
}

void include_file(Context& context, const std::string& path) {
    std::string text;
    try {
        text = read_config_text(path);
    } catch (const ConfigError& error) {
        // The daemon may lawfully be unable to read it (after [supervisord] user=), so this is no error.
        context.warn("Included file \"" + path + "\" is left out: " + error.what());
        return;
    }
    context.info("Included extra file \"" + path + "\" during parsing");
    context.attempt([&] { context.file.merge(text, path); });
    context.file.replace_here(directory_of(path));
}

void read_includes(Context& context, const std::string& folder) {
    Section include = context.file.section("include");
    if (!include) return;
    if (include.find("files") == nullptr)
        throw ConfigError(".ini file has [include] section, but no files setting" + shown_place(include, ""));
    context.file.replace_here(folder);
    SectionReader reader(include, context.host);
    for (const std::string& word : split_blanks(*reader.text<Type::Text>("include.files", "include.files"))) {
        std::string pattern = join_path(folder, word);
        std::vector<std::string> paths = matches(pattern);
        if (paths.empty()) context.warn("No file matches via include \"" + pattern + "\"");
        for (const std::string& path : paths) include_file(context, path);
    }
}

// Sections merge silently by design; that a section occurs twice is often a mistake all the same.
void tell_repeated(Context& context) {
    for (const RepeatedSection& section : context.file.repeated()) {
        if (section.name == "include") continue;
        bool same_file = section.first.file == section.again.file;
        if (same_file && section.first.line == section.again.line) continue;  // a file that was read twice
        context.warn("Section [" + section.name + "] of " + describe(section.first) + " is continued at " +
                     describe(section.again) + ": values there override the first ones");
    }
}

}  // namespace

void read_files(Context& context) {
    const CommandLine& line = context.line;
    std::string path = find_file(line);
    std::string folder = directory_of(absolute_path(path));
    std::string text = read_config_text(path);
    context.out.daemon.config_file = path;
    context.here.set("here", folder);
    context.file.merge(text, path);
    read_includes(context, folder);
    tell_repeated(context);
    if (!context.file.section("supervisord"))
        throw ConfigError(".ini file does not include supervisord section (" + path + ")");
}

}  // namespace reeve
