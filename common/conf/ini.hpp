// A configuration in memory: sections with keys, merged from one or several files, each key with the file and
// line that it comes from. The dialect itself is in ini_lines.hpp. Values are raw: nothing is expanded here.
//
// [DEFAULT] supplies fall-back values to every section and is not listed as a section. Section names are
// taken verbatim; keys are in lower case.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/conf/error.hpp"

namespace reeve {

// Where something was written. line 0: nowhere (a default, or the command line).
struct Place {
    std::string file;
    std::uint32_t line = 0;
};
// "/etc/x.conf line 7"; "" for nowhere.
std::string describe(const Place& place);

struct ConfigTree;  // the container, in ini.cpp

// One section, or none. Valid as long as the ConfigFile is neither changed nor moved.
class Section {
  public:
    Section() = default;
    explicit operator bool() const { return node_ != nullptr; }
    const std::string& name() const { return *name_; }

    // The value of a key (lower case), from the section or else from [DEFAULT]; nullptr if neither has it.
    const std::string* find(const std::string& key) const;
    // Where the key was last set; where the section begins if it has no such key.
    Place place(const std::string& key) const;
    // Where the section was opened first.
    Place place() const;
    // True if a comment cut the line that the value ends on: the reason of many an open quotation mark.
    bool cut_by_comment(const std::string& key) const;

    struct Item {
        const std::string* key;
        const std::string* value;
        bool inherited;  // from [DEFAULT]
    };
    // All keys, those of the section itself first.
    std::vector<Item> items() const;

  private:
    friend class ConfigFile;
    const std::string* name_ = nullptr;
    const void* node_ = nullptr;
    const ConfigTree* tree_ = nullptr;
};

// A section header that continues a section which had been opened before.
struct RepeatedSection {
    std::string name;
    Place first;
    Place again;
};

class ConfigFile {
  public:
    ConfigFile();
    ~ConfigFile();
    ConfigFile(ConfigFile&&) noexcept;
    ConfigFile& operator=(ConfigFile&&) noexcept;

    // Reads a text; its keys override those read before. `file` is the name for messages. Throws SyntaxError.
    void merge(std::string_view text, const std::string& file);
    // Replaces the literal text %(here)s in every value that still has it (what [include] does).
    void replace_here(const std::string& folder);

    // In the order in which they were opened first.
    std::vector<Section> sections() const;
    Section section(const std::string& name) const;
    const std::vector<RepeatedSection>& repeated() const;

  private:
    std::unique_ptr<ConfigTree> tree_;
};

// The bytes of a file, which may be a pipe. Throws ConfigError with "could not find config file FILE" or
// "could not read config file FILE" and the reason.
std::string read_config_text(const std::string& path);

// Reads one file, without [include]. Throws ConfigError, SyntaxError.
ConfigFile read_config_file(const std::string& path);

}  // namespace reeve
