// The INI reader, and expansion and lists of variables with whatever values it has read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/conf/expand.hpp"
#include "common/conf/ini.hpp"
#include "common/conf/values.hpp"

using namespace reeve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ConfigFile file;
    try {
        file.merge({reinterpret_cast<const char*>(data), size}, "x.conf");
    } catch (const SyntaxError&) {
        return 0;
    }
    file.replace_here("/folder");
    Names names;
    names.set("here", "/folder");
    names.set_number("process_num", 3);
    for (const Section& section : file.sections()) {
        for (const Section::Item& item : section.items()) {
            try {
                parse_environment(expand(*item.value, names, *item.key));
            } catch (const ConfigError&) {
            }
        }
    }
    return 0;
}
