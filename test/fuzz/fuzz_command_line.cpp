// The command lines of supervisord and of supervisorctl: words between NULs.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "ctl/command_line.hpp"
#include "daemon/confread/command_line.hpp"

using namespace reeve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> words(1);
    for (std::size_t i = 0; i < size; ++i) {
        if (data[i] == 0) {
            words.emplace_back();
        } else {
            words.back() += static_cast<char>(data[i]);
        }
    }
    try {
        ctl::parse_command_line(words);
    } catch (const std::exception&) {
    }
    words.insert(words.begin(), "supervisord");
    try {
        parse_command_line(words);
    } catch (const std::exception&) {
    }
    return 0;
}
