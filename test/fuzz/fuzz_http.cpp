// The HTTP parser: whatever comes is a request or refused, within its limits, and however it is cut the
// outcome is the same. A request that is whole is routed as well.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "rpc/credentials.hpp"
#include "rpc/guard.hpp"
#include "rpc/http_request.hpp"
#include "rpc/route.hpp"
#include "rpc/text.hpp"

namespace {

using namespace reeve;

constexpr HttpLimits kLimits{200, 600, 300};

// Feeds pieces of a size; returns how many bytes were taken until the first request was over.
std::size_t feed(HttpParser& parser, std::string_view input, std::size_t piece) {
    std::size_t taken = 0;
    while (taken < input.size() && !parser.complete() && parser.failure() == 0)
        taken += parser.feed(input.substr(taken, piece));
    return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    HttpParser whole(kLimits);
    HttpParser pieces(kLimits);
    const std::size_t taken = feed(whole, input, input.size());
    const std::size_t taken_in_pieces = feed(pieces, input, 1 + size % 5);
    if (whole.failure() != pieces.failure() || whole.complete() != pieces.complete()) std::abort();
    if (!whole.complete()) return 0;
    if (taken != taken_in_pieces) std::abort();

    const HttpRequest request = whole.take();
    if (request.body.size() > kLimits.body || request.target.size() > kLimits.header_line) std::abort();
    const Route route = find_route(request);
    if (route.path.find("..") != std::string::npos && normal_path(route.path).empty() && !route.path.empty())
        std::abort();
    parse_fields(route.query);
    Caller caller;
    read_credentials(request, caller);
    Endpoint endpoint;
    endpoint.allowed_hosts = "one two";
    host_allowed(request, endpoint, "node");
    has_same_origin(request, endpoint);
    parse_http_date(request.header("if-modified-since"));
    if (base_url(request).find_first_of("\r\n /?#", 8) != std::string::npos) std::abort();
    return 0;
}
