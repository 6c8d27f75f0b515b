// The web pages' requests: what they ask of the engine, in which order, and which page or redirect comes of
// it.
//
// They use calls of kind Page, so they work whatever namespaces the configuration gives the API. An action is
// carried through even if the browser leaves meanwhile: a restart does not end after its stop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rpc/task.hpp"
#include "rpc/text.hpp"

namespace reeve {

// "/" and "/index.html": the status page, or an action and a redirect.
std::unique_ptr<Task> make_status_task(Connection& connection, Site& site, std::string_view query);
// "/tail.html": the end of a log.
std::unique_ptr<Task> make_tail_task(Connection& connection, Site& site, std::string_view query);

// Fields of the query string and, before them, of a posted form.
Fields request_fields(const HttpRequest& request, std::string_view query);

}  // namespace reeve
