// The container of a configuration and the merging of files. See ini.hpp.
//
// Boost.PropertyTree holds it: a tree of sections with keys in order and an index by name. Each node carries
// where it was written. The Boost header is included here and nowhere else: it takes seconds to compile.
#include "common/conf/ini.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/property_tree/ptree.hpp>
#include <cstring>

#include "common/base/unique_fd.hpp"
#include "common/conf/ini_lines.hpp"

namespace reeve {
namespace {

constexpr std::string_view kHere = "%(here)s";
constexpr std::size_t kMaxFile = 64 * 1024 * 1024;

struct Entry {
    std::string value;
    std::uint32_t file = 0;
    std::uint32_t line = 0;
    bool cut = false;
};
using Node = boost::property_tree::basic_ptree<std::string, Entry>;

const Node& node_of(const void* node) { return *static_cast<const Node*>(node); }

const Node* child(const Node& node, const std::string& key) {
    auto it = node.find(key);
    return it == node.not_found() ? nullptr : &it->second;
}

std::string replace_all(const std::string& text, const std::string& folder) {
    std::string out;
    std::size_t from = 0;
    for (;;) {
        std::size_t at = text.find(kHere, from);
        out += text.substr(from, at - from);
        if (at == std::string::npos) return out;
        out += folder;
        from = at + kHere.size();
    }
}

}  // namespace

struct ConfigTree {
    Node root;
    Node defaults;
    std::vector<std::string> files;
    std::vector<RepeatedSection> repeated;
    std::vector<Node*> here;  // keys outside of [DEFAULT] that may hold %(here)s

    Place place(const Node& node) const { return {files[node.data().file], node.data().line}; }
};

std::string describe(const Place& place) {
    return place.line == 0 ? "" : place.file + " line " + std::to_string(place.line);
}

const std::string* Section::find(const std::string& key) const {
    if (node_ == nullptr) return nullptr;
    if (const Node* own = child(node_of(node_), key)) return &own->data().value;
    const Node* inherited = child(tree_->defaults, key);
    return inherited == nullptr ? nullptr : &inherited->data().value;
}

Place Section::place(const std::string& key) const {
    if (node_ == nullptr) return {};
    if (const Node* own = child(node_of(node_), key)) return tree_->place(*own);
    if (const Node* inherited = child(tree_->defaults, key)) return tree_->place(*inherited);
    return place();
}

Place Section::place() const { return node_ == nullptr ? Place{} : tree_->place(node_of(node_)); }

bool Section::cut_by_comment(const std::string& key) const {
    if (node_ == nullptr) return false;
    const Node* own = child(node_of(node_), key);
    if (own == nullptr) own = child(tree_->defaults, key);
    return own != nullptr && own->data().cut;
}

std::vector<Section::Item> Section::items() const {
    std::vector<Item> out;
    if (node_ == nullptr) return out;
    const Node& node = node_of(node_);
    for (const auto& [key, entry] : node) out.push_back({&key, &entry.data().value, false});
    for (const auto& [key, entry] : tree_->defaults) {
        if (child(node, key) == nullptr) out.push_back({&key, &entry.data().value, true});
    }
    return out;
}

ConfigFile::ConfigFile() : tree_(std::make_unique<ConfigTree>()) {}
ConfigFile::~ConfigFile() = default;
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;

void ConfigFile::merge(std::string_view text, const std::string& file) {
    std::vector<IniSection> sections = parse_ini(text, file);
    auto number = static_cast<std::uint32_t>(tree_->files.size());
    tree_->files.push_back(file);
    for (IniSection& read : sections) {
        bool is_defaults = read.name == "DEFAULT";
        Node* node = &tree_->defaults;
        if (!is_defaults) {
            auto it = tree_->root.find(read.name);
            if (it != tree_->root.not_found()) {
                node = &it->second;
                tree_->repeated.push_back({read.name, tree_->place(*node), {file, read.line}});
            } else {
                node = &tree_->root.push_back({read.name, Node(Entry{"", number, read.line, false})})->second;
            }
        }
        for (IniKey& key : read.keys) {
            Entry entry{std::move(key.value), number, key.line, key.cut};
            bool has_here = entry.value.find(kHere) != std::string::npos;
            auto it = node->find(key.key);
            Node* target = nullptr;
            if (it != node->not_found()) {
                target = &it->second;
                target->data() = std::move(entry);
            } else {
                target = &node->push_back({std::move(key.key), Node(std::move(entry))})->second;
            }
            if (has_here && !is_defaults) tree_->here.push_back(target);
        }
    }
}

void ConfigFile::replace_here(const std::string& folder) {
    for (Node* node : tree_->here) node->data().value = replace_all(node->data().value, folder);
    tree_->here.clear();
    // A section that inherits such a value keeps the folder of the file that was read when it first was
    // there.
    for (const auto& [key, entry] : tree_->defaults) {
        if (entry.data().value.find(kHere) == std::string::npos) continue;
        Entry replaced = entry.data();
        replaced.value = replace_all(replaced.value, folder);
        for (auto& [name, section] : tree_->root) {
            if (child(section, key) == nullptr) section.push_back({key, Node(replaced)});
        }
    }
}

std::vector<Section> ConfigFile::sections() const {
    std::vector<Section> out;
    out.reserve(tree_->root.size());
    for (const auto& [name, node] : tree_->root) {
        Section section;
        section.name_ = &name;
        section.node_ = &node;
        section.tree_ = tree_.get();
        out.push_back(section);
    }
    return out;
}

Section ConfigFile::section(const std::string& name) const {
    Section section;
    auto it = tree_->root.find(name);
    if (it == tree_->root.not_found()) return section;
    section.name_ = &it->first;
    section.node_ = &it->second;
    section.tree_ = tree_.get();
    return section;
}

const std::vector<RepeatedSection>& ConfigFile::repeated() const { return tree_->repeated; }

std::string read_config_text(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT)
        throw ConfigError("could not find config file " + path);
    auto unreadable = [&path] {
        return ConfigError("could not read config file " + path + ": " + std::strerror(errno));
    };
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd.valid()) throw unreadable();
    std::string text;
    char buffer[65536];
    for (;;) {
        ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw unreadable();
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > kMaxFile)
            throw ConfigError("could not read config file " + path + ": it is too large");
    }
}

ConfigFile read_config_file(const std::string& path) {
    ConfigFile config;
    config.merge(read_config_text(path), path);
    return config;
}

}  // namespace reeve
