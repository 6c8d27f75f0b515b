// Basic authentication, as far as the front deals with it. See credentials.hpp.
#include "rpc/credentials.hpp"

#include "common/text/py_repr.hpp"
#include "rpc/text.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMaxCredentials = 16 * 1024;  // bytes, which travel in one message

}  // namespace

void read_credentials(const HttpRequest& request, Caller& caller) {
    caller.credentials = Credentials::None;
    caller.user.clear();
    caller.password.clear();
    if (!request.has_header("authorization")) return;

    const std::string_view value = request.header("authorization");
    const std::size_t blank = value.find(' ');
    if (blank == std::string_view::npos || !equal_ignoring_case(value.substr(0, blank), "basic")) {
        caller.credentials = Credentials::OtherScheme;
        return;
    }
    const std::optional<std::string> decoded = base64_decode(trim(value.substr(blank)));
    if (!decoded || decoded->size() > kMaxCredentials || !is_utf8(*decoded)) {
        caller.credentials = Credentials::Malformed;
        return;
    }
    const std::size_t colon = decoded->find(':');  // the first one: passwords may have more
    if (colon == std::string::npos) {
        caller.credentials = Credentials::NoColon;
        return;
    }
    caller.credentials = Credentials::Basic;
    caller.user = decoded->substr(0, colon);
    caller.password = decoded->substr(colon + 1);
}

}  // namespace reeve
