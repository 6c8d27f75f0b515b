// What protects users of a browser from other pages in that browser.
//
// A foreign page can make a browser send requests here, with the user's password, and with a trick of the
// name service (a name of its own that suddenly means this machine) it can even read the answers. So actions
// need a token or a sign that they come from our own page, and a server without a password answers browsers
// only under a name that it is known by. Scripts and the like are not concerned: no foreign page can act
// through them.
#pragma once

#include <string>
#include <string_view>

#include "rpc/connection.hpp"
#include "rpc/http_request.hpp"

namespace reeve {

// By the User-Agent that all browsers have, or by headers that only they send.
bool is_browser(const HttpRequest& request);

// Whether a browser may use the server under the name of its Host header. Addresses, localhost, the
// configured host, node_name (of this machine) and allowed_hosts= are good names; so is any on unix sockets
// and with a password.
bool host_allowed(const HttpRequest& request, const Endpoint& endpoint, std::string_view node_name);

// The request was made by a page of another origin, as its Origin header says.
bool has_foreign_origin(const HttpRequest& request, const Endpoint& endpoint);

// The request was made by a page of ours, as headers say that no page can forge.
bool has_same_origin(const HttpRequest& request, const Endpoint& endpoint);

// "http://host:port" as the client sees this server, or "" if it does not say (then links must be relative).
std::string base_url(const HttpRequest& request);

}  // namespace reeve
