// Reads the keys of one section: default, expansion, conversion, and errors that say where.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/conf/expand.hpp"
#include "common/conf/ini.hpp"
#include "common/conf/options.hpp"
#include "common/conf/values.hpp"

namespace reeve {

class SectionReader {
  public:
    // `suffix` follows the text of every error; the place follows after it.
    SectionReader(Section section, const Names& names, std::string suffix = "")
        : section_(section), names_(&names), suffix_(std::move(suffix)) {}

    const Section& section() const { return section_; }
    const std::string& name() const { return section_.name(); }
    const Names& names() const { return *names_; }
    // From now on these names are expanded.
    void use(const Names& names) { names_ = &names; }
    // From now on an error of a key's value is added to these, and the default is used (nullptr: it is
    // thrown).
    void collect(std::vector<std::string>* errors) { errors_ = errors; }

    // The value, expanded; nullopt if the key is absent and has no default. `where` stands for "section.key"
    // in messages.
    std::optional<std::string> text(const Option& option, const char* where = nullptr) const;
    template <Type kType>
    std::optional<std::string> text(Key<kType> key, const char* where = nullptr) const {
        return text(*key.row, where);
    }
    // The value of a key that has a default.
    template <Type kType>
    std::string required(Key<kType> key) const {
        return text(*key.row).value();
    }

    // The value, converted.
    template <typename Parse>
    auto converted(const Option& option, Parse parse, const char* where = nullptr) const
        -> std::optional<decltype(parse(std::string_view()))> {
        try {
            std::optional<std::string> value = text(option, where);
            if (!value) return std::nullopt;
            return guarded(
                option.key, [&] { return parse(std::string_view(*value)); }, expected(option.type));
        } catch (const ConfigError& error) {
            // A server without its address is nothing to go on with.
            if (errors_ == nullptr || option.type == Type::Address) throw;
            note(error, option.key);
        }
        if (option.fallback == nullptr) return std::nullopt;
        return parse(std::string_view(option.fallback));
    }
    template <Type kType, typename Parse>
    auto converted(Key<kType> key, Parse parse, const char* where = nullptr) const {
        return converted(*key.row, parse, where);
    }
    // Runs a check of a key's value; what it throws gets the place, and what was `expected`.
    template <typename Check>
    auto guarded(std::string_view key, Check check, const char* expected = "") const -> decltype(check()) {
        try {
            return check();
        } catch (const ConfigError& error) {
            throw located(error, key, expected);
        }
    }

    std::int64_t integer(Key<Type::Integer> key) const { return *converted(*key.row, parse_integer); }
    bool boolean(Key<Type::Boolean> key) const { return *converted(*key.row, parse_boolean); }
    std::int64_t byte_size(Key<Type::ByteSize> key) const { return *converted(*key.row, parse_byte_size); }
    // Checked against a 32-bit field.
    std::int32_t small_integer(Key<Type::Integer> key) const;
    std::uint32_t small_size(Key<Type::ByteSize> key) const;

    // An error of a key ("" for the section as a whole).
    [[noreturn]] void fail(const std::string& text, std::string_view key = "", std::string hint = "") const;
    ConfigError located(const ConfigError& error, std::string_view key, const char* expected = "") const;
    // "; expected ..." of a type; "" where the error says it already.
    static const char* expected(Type type);

  private:
    void note(const ConfigError& error, std::string_view key) const;

    Section section_;
    const Names* names_;
    std::string suffix_;
    std::vector<std::string>* errors_ = nullptr;
};

// " (FILE line N, [section] key)", or "" if the place is nowhere.
std::string shown_place(const Section& section, std::string_view key);

}  // namespace reeve
