// supervisord.conf(5) and the table of keys say the same.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "common/conf/options.hpp"

using namespace reeve;

namespace {

// "program.command" for each key that the manual has an entry for.
std::set<std::string> keys_of_manual() {
    std::set<std::string> keys;
    std::string family;
    const char* copy = std::getenv("REEVE_MANUAL");   // for a user who cannot read the checkout
    std::ifstream file(copy != nullptr ? copy : REEVE_MANUAL);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(".Ss [")) family = line.substr(5, line.find_first_of(":]", 5) - 5);
        if (line.starts_with(".Sh ")) family.clear();
        if (!line.starts_with(".It Ic ") || family.empty()) continue;
        std::string key = line.substr(7, line.find(' ', 7) - 7);
        keys.insert(std::string(family).append(".").append(key));
    }
    return keys;
}

std::string name_of(const Option& option) {
    return std::string(option.section).append(".").append(option.key);
}

}  // namespace

TEST_CASE("the manual has every key of the table, and no other") {
    std::set<std::string> manual = keys_of_manual();
    std::set<std::string> table;
    for (const Option& option : kOptions) {
        CAPTURE(name_of(option));
        CHECK(manual.contains(name_of(option)));
        table.insert(name_of(option));
    }
    for (const std::string& key : manual) {
        CAPTURE(key);
        CHECK(table.contains(key));
    }
}
