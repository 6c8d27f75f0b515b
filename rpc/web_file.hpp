// The files that go with the web pages, built in: style sheet, script and images (rpc/web/).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "rpc/answer.hpp"

namespace reeve {

struct WebFile {
    std::string_view path;  // "images/icon.png"
    std::string_view type;
    std::span<const unsigned char> bytes;
};

std::span<const WebFile> web_files();

// The answer for a path as Route has it. modified: what is told as the files' age, seconds since 1970.
Answer file_answer(std::string_view path, const HttpRequest& request, std::int64_t modified);

}  // namespace reeve
