// Serving the built-in files. See web_file.hpp.
#include "rpc/web_file.hpp"

#include <optional>
#include <string>

#include "rpc/guard.hpp"
#include "rpc/text.hpp"

namespace reeve {
namespace {

bool is_directory(std::string_view path) {
    for (const WebFile& file : web_files()) {
        if (file.path.size() > path.size() && file.path.starts_with(path) && file.path[path.size()] == '/')
            return true;
    }
    return false;
}

}  // namespace

Answer file_answer(std::string_view path, const HttpRequest& request, std::int64_t modified) {
    for (const WebFile& file : web_files()) {
        if (file.path != path) continue;
        Answer answer;
        answer.header("Last-Modified", http_date(modified));
        const std::optional<std::int64_t> known = parse_http_date(request.header("if-modified-since"));
        if (known && *known >= modified) {
            answer.status = 304;
            return answer;
        }
        answer.body.assign(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
        answer.header("Content-Length", std::to_string(answer.body.size()));
        return answer.header("Content-Type", std::string(file.type));
    }
    if (!path.empty() && is_directory(path)) {
        Answer answer = error_answer(301);
        answer.headers.insert(answer.headers.begin(),
                              {"Location", base_url(request) + "/" + std::string(path) + "/"});
        return answer;
    }
    return error_answer(404);
}

}  // namespace reeve
