// Routing. See route.hpp.
#include "rpc/route.hpp"

#include <algorithm>
#include <utility>

#include "rpc/text.hpp"

namespace reeve {
namespace {

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t slash = path.find('/');
        parts.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        path.remove_prefix(slash + 1);
    }
}

Route refuse(int status) {
    Route route;
    route.status = status;
    return route;
}

Route log_stream(std::string_view path) {
    path.remove_prefix(1);
    // The first part is the prefix that led here, whatever follows it ("logtailX" does as well).
    std::vector<std::string> parts =
        split_path(path.find('%') == std::string_view::npos ? std::string(path) : percent_decode(path));
    if (parts.size() < 2 || parts.size() > 3 || parts[1].empty()) return refuse(404);
    if (parts.size() == 2) parts.emplace_back("stdout");
    if (parts[2] != "stdout" && parts[2] != "stderr") return refuse(404);
    Route route;
    route.kind = RouteKind::LogStream;
    route.args = {std::move(parts[1]), std::move(parts[2])};
    return route;
}

}  // namespace

std::string normal_path(std::string_view path) {
    std::vector<std::string> kept;
    for (std::string& part : split_path(path)) {
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (kept.empty()) return {};
            kept.pop_back();
        } else {
            kept.push_back(std::move(part));
        }
    }
    std::string out;
    for (const std::string& part : kept) out.append(out.empty() ? "" : "/").append(part);
    return out;
}

Route find_route(const HttpRequest& request) {
    std::string_view target = request.target;
    target = target.substr(0, target.find('#'));
    const std::size_t mark = std::min(target.find('?'), target.size());
    const std::string_view query = target.substr(std::min(mark + 1, target.size()));
    target = target.substr(0, mark);
    std::string path = percent_decode(target.substr(0, target.find(';')));

    const std::string_view method = request.method;
    const bool get = method == "GET";
    const bool post = method == "POST";
    if (path.starts_with("/RPC2")) {
        if (!post) return refuse(400);
        if (!request.has_length) return refuse(411);
        Route route;
        route.kind = RouteKind::Rpc;
        return route;
    }
    if (path.starts_with("/logtail")) return get ? log_stream(path) : refuse(400);
    if (path.starts_with("/mainlogtail")) {
        if (!get) return refuse(400);
        Route route;
        route.kind = RouteKind::MainLogStream;
        return route;
    }

    Route route;
    route.query = query;
    if (get || post) {
        const std::string_view name =
            std::string_view(path).substr(std::min(path.find_first_not_of('/'), path.size()));
        if (name.empty() || name == "index.html") route.kind = RouteKind::StatusPage;
        if (name == "tail.html") route.kind = RouteKind::TailPage;
        if (name == "ok.html") route.kind = RouteKind::HealthPage;
        if (route.kind != RouteKind::Refuse) {
            if (path.empty() || path.front() != '/') return refuse(404);
            return post && !request.has_length ? refuse(411) : route;
        }
    }
    if (!get && method != "HEAD") return refuse(400);
    if (path.empty() || path.front() != '/') return refuse(404);
    if (path.find('%') != std::string::npos) path = percent_decode(path);
    route.kind = RouteKind::File;
    route.path = normal_path(path);
    if (!route.path.empty() && path.back() == '/') route.path += '/';  // a directory, named as such
    return route;
}

}  // namespace reeve
