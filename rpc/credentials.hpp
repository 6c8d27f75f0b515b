// What an Authorization header says. Whether it is right is for the engine to judge, with every call.
#pragma once

#include "rpc/engine_link.hpp"
#include "rpc/http_request.hpp"

namespace reeve {

// Sets the caller's credentials, user and password; those of an earlier request on the connection are gone.
void read_credentials(const HttpRequest& request, Caller& caller);

}  // namespace reeve
