// Who may call: user names and passwords of the servers, checked for every call.
//
// Comparisons take a time that depends on what the client sent, never on what is configured. SHA-1 is here
// because the configuration's "{SHA}..." form is one; it also makes texts of any length comparable in
// constant time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/image.hpp"
#include "common/base/messages.hpp"

namespace reeve {

using Sha1 = std::array<std::uint8_t, 20>;
Sha1 sha1(std::string_view bytes);
// 40 lower-case digits.
std::string hex(const Sha1& digest);

enum class AuthResult {
    Ok,
    Missing,      // HTTP 401 at once: no credentials, or another scheme
    Wrong,        // HTTP 401 after a delay: user name or password do not match
    BadRequest,   // HTTP 400: not base64, not UTF-8
    ServerError,  // HTTP 500: no colon in it
};

class Auth {
  public:
    // The servers of the configuration that the listening sockets were made from (the first generation).
    void load(const EngineImage& image);
    // One server; an empty user name: no authentication.
    void add_server(std::string_view username, std::string_view password);
    void clear() { servers_.clear(); }

    std::size_t server_count() const { return servers_.size(); }

    // Whether the server asks for no credentials at all.
    bool open(std::uint32_t server) const { return servers_[server].open; }

    // server < server_count(). user and password count only with Credentials::Basic.
    AuthResult check(std::uint32_t server, Credentials credentials, std::string_view user,
                     std::string_view password) const;

  private:
    struct Server {
        bool open = false;    // no authentication
        bool hashed = false;  // {SHA}
        Sha1 user{};          // of the user name
        Sha1 password{};      // of the clear text, or of the text behind {SHA}
    };
    std::vector<Server> servers_;
};

}  // namespace reeve
