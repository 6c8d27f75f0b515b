// Checks of Host, Origin, Referer and Sec-Fetch-Site. See guard.hpp.
#include "rpc/guard.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace reeve {
namespace {

constexpr std::string_view kHostCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

// "host:port" without the port; brackets of an IPv6 address are taken off.
std::string_view name_of(std::string_view authority) {
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
    }
    return authority.substr(0, authority.find(':'));
}

bool is_address(std::string_view name) {
    const std::string text(name);
    unsigned char address[16];
    return inet_pton(AF_INET, text.c_str(), address) == 1 || inet_pton(AF_INET6, text.c_str(), address) == 1;
}

bool listed(std::string_view name, std::string_view list) {
    constexpr std::string_view kSeparators = " ,\t\r\n";
    while (!list.empty()) {
        const std::size_t first = std::min(list.find_first_not_of(kSeparators), list.size());
        list.remove_prefix(first);
        const std::size_t size = std::min(list.find_first_of(kSeparators), list.size());
        const std::string_view entry = list.substr(0, size);
        if (entry == "*" || (!entry.empty() && equal_ignoring_case(entry, name))) return true;
        list.remove_prefix(size);
    }
    return false;
}

// Whether "scheme://authority[/...]" is of the origin that the client names in its Host header.
bool is_ours(std::string_view url, const HttpRequest& request, const Endpoint& endpoint) {
    const std::size_t mark = url.find("://");
    if (mark == std::string_view::npos) return false;
    const std::string_view scheme = url.substr(0, mark);
    std::string_view authority = url.substr(mark + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return false;
    if (listed(name_of(authority), endpoint.allowed_hosts)) return true;
    const std::string_view default_port = scheme == "https" ? ":443" : ":80";
    const auto without_port = [&](std::string_view text) {
        return text.ends_with(default_port) ? text.substr(0, text.size() - default_port.size()) : text;
    };
    const std::string_view host = without_port(request.header("host"));
    return !host.empty() && equal_ignoring_case(without_port(authority), host);
}

}  // namespace

bool is_browser(const HttpRequest& request) {
    if (request.header("user-agent").starts_with("Mozilla/")) return true;
    return request.has_header("origin") || request.has_header("sec-fetch-site") ||
           request.has_header("sec-fetch-mode");
}

bool host_allowed(const HttpRequest& request, const Endpoint& endpoint, std::string_view node_name) {
    if (endpoint.is_unix || endpoint.authenticated) return true;
    const std::string_view host = request.header("host");
    if (host.empty()) return true;  // no browser leaves it out
    const std::string_view name = name_of(host);
    return is_address(name) || equal_ignoring_case(name, "localhost") ||
           lower_case(name).ends_with(".localhost") || equal_ignoring_case(name, endpoint.host) ||
           (!node_name.empty() && equal_ignoring_case(name, node_name)) ||
           listed(name, endpoint.allowed_hosts);
}

bool has_foreign_origin(const HttpRequest& request, const Endpoint& endpoint) {
    return request.has_header("origin") && !is_ours(request.header("origin"), request, endpoint);
}

bool has_same_origin(const HttpRequest& request, const Endpoint& endpoint) {
    if (has_foreign_origin(request, endpoint)) return false;
    if (request.has_header("sec-fetch-site")) return request.header("sec-fetch-site") == "same-origin";
    if (request.has_header("origin")) return true;
    return request.has_header("referer") && is_ours(request.header("referer"), request, endpoint);
}

std::string base_url(const HttpRequest& request) {
    std::string_view host = request.header("host");
    if (host.empty() || host.find_first_not_of(kHostCharacters) != std::string_view::npos) return {};
    const bool https = request.header("x-forwarded-proto") == "https";
    constexpr std::string_view kDefaultPort = ":80";
    if (!https && host.ends_with(kDefaultPort)) host.remove_suffix(kDefaultPort.size());
    return (https ? "https://" : "http://") + std::string(host);
}

}  // namespace reeve
