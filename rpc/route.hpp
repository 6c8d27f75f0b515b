// Which task answers a request: by the path's beginning for calls and streams, exactly for pages, and for
// everything else the files below the root.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/http_request.hpp"

namespace reeve {

enum class RouteKind {
    Rpc,
    LogStream,  // args: name, channel
    MainLogStream,
    StatusPage,
    TailPage,
    HealthPage,
    File,    // path: normalised, without leading slash; "" for the root
    Refuse,  // status
};

struct Route {
    RouteKind kind = RouteKind::Refuse;
    int status = 404;
    std::vector<std::string> args;
    std::string path;
    std::string query;  // not decoded
};

Route find_route(const HttpRequest& request);

// "a/../b/./c" as "b/c". A path that leaves the root has none, and is empty too.
std::string normal_path(std::string_view path);

}  // namespace reeve
