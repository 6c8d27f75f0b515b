// Expansion of %(name)s in values: printf-like conversions of named values, as the original program has them.
//
// %% gives %. Conversions are %(name)[flags][width][.precision][h|l|L]type with type one of d i u o x X e E f
// F g G c r s a. All values are text but process_num and numprocs, which are numbers. A conversion without a
// name is an error: there is no value that it could stand for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/conf/error.hpp"

namespace reeve {

// Variables in order; no name twice.
using Environment = std::vector<std::pair<std::string, std::string>>;

// Sets a variable, in its old place if it is there.
void set_variable(Environment& environment, std::string_view name, std::string_view value);
// The process environment. Entries without '=' are left out; of duplicates the first counts.
Environment process_environment(const char* const* envp);

// The names that can be expanded. A scope looks into its outer scope for what it does not have itself.
class Names {
  public:
    using Value = std::variant<std::string, std::int64_t>;

    explicit Names(const Names* outer = nullptr) : outer_(outer) {}
    void set(std::string name, std::string value) {
        values_.insert_or_assign(std::move(name), std::move(value));
    }
    void set_number(std::string name, std::int64_t value) {
        values_.insert_or_assign(std::move(name), value);
    }
    // Adds each variable X as ENV_X.
    void set_environment(const Environment& environment);

    const Value* find(std::string_view name) const;
    // Names for an error text, sorted; all environment variables as one entry "ENV_*".
    std::vector<std::string> available() const;

  private:
    const Names* outer_;
    std::map<std::string, Value, std::less<>> values_;
};

// Expands a text. `where` is "section.key" for messages. Throws ConfigError:
//   Format string 'TEXT' for 'WHERE' contains names ('x') which cannot be expanded. Available names: ...
//   Format string 'TEXT' for 'WHERE' is badly formatted: REASON
// The text itself is left out of the message ('...') if WHERE is a password.
std::string expand(std::string_view text, const Names& names, std::string_view where);

}  // namespace reeve
