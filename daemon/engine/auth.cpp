// SHA-1 and the check of user names and passwords. See auth.hpp.
#include "daemon/engine/auth.hpp"

#include <bit>
#include <cstring>

namespace reeve {

namespace {

constexpr std::string_view kShaPrefix = "{SHA}";

class Sha1State {
  public:
    void block(const std::uint8_t* bytes) {
        std::uint32_t w[80];
        for (int i = 0; i < 16; ++i) {
            w[i] = static_cast<std::uint32_t>(bytes[i * 4]) << 24 |
                   static_cast<std::uint32_t>(bytes[i * 4 + 1]) << 16 |
                   static_cast<std::uint32_t>(bytes[i * 4 + 2]) << 8 |
                   static_cast<std::uint32_t>(bytes[i * 4 + 3]);
        }
        for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        auto [a, b, c, d, e] = h_;
        for (int i = 0; i < 80; ++i) {
            std::uint32_t f, k;
            if (i < 20) {
                f = (b & c) | (~b & d);
                k = 0x5A827999;
            } else if (i < 40) {
                f = b ^ c ^ d;
                k = 0x6ED9EBA1;
            } else if (i < 60) {
                f = (b & c) | (b & d) | (c & d);
                k = 0x8F1BBCDC;
            } else {
                f = b ^ c ^ d;
                k = 0xCA62C1D6;
            }
            std::uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
            e = d;
            d = c;
            c = std::rotl(b, 30);
            b = a;
            a = next;
        }
        h_ = {h_[0] + a, h_[1] + b, h_[2] + c, h_[3] + d, h_[4] + e};
    }

    Sha1 digest() const {
        Sha1 out{};
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<std::uint8_t>(h_[i / 4] >> (24 - 8 * (i % 4)));
        }
        return out;
    }

  private:
    std::array<std::uint32_t, 5> h_ = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
};

// Looks at every byte, whatever it finds.
bool same(const Sha1& one, const Sha1& other) {
    std::uint8_t differences = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        differences = static_cast<std::uint8_t>(differences | (one[i] ^ other[i]));
    }
    return differences == 0;
}

}  // namespace

Sha1 sha1(std::string_view bytes) {
    Sha1State state;
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 64; left -= 64, from += 64) state.block(from);
    std::uint8_t last[128] = {};
    if (left > 0) std::memcpy(last, from, left);
    last[left] = 0x80;
    std::size_t size = left < 56 ? 64 : 128;
    std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
    for (std::size_t i = 0; i < 8; ++i) last[size - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
    state.block(last);
    if (size == 128) state.block(last + 64);
    return state.digest();
}

std::string hex(const Sha1& digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (std::uint8_t byte : digest) {
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

void Auth::load(const EngineImage& image) {
    clear();
    for (std::uint32_t i = 0; i < image.server_count(); ++i) {
        const ServerView& server = image.server(i);
        add_server(image.text(server.username), image.text(server.password));
    }
}

void Auth::add_server(std::string_view username, std::string_view password) {
    Server server;
    server.open = username.empty();
    server.hashed = password.substr(0, kShaPrefix.size()) == kShaPrefix;
    server.user = sha1(username);
    server.password = sha1(server.hashed ? password.substr(kShaPrefix.size()) : password);
    servers_.push_back(server);
}

AuthResult Auth::check(std::uint32_t index, Credentials credentials, std::string_view user,
                       std::string_view password) const {
    const Server& server = servers_[index];
    if (server.open) return AuthResult::Ok;
    switch (credentials) {
        case Credentials::None:
        case Credentials::OtherScheme: return AuthResult::Missing;
        case Credentials::Malformed: return AuthResult::BadRequest;
        case Credentials::NoColon: return AuthResult::ServerError;
        case Credentials::Basic: break;
    }
    // Both are always compared, so that the time does not tell which of the two was wrong.
    bool user_matches = same(sha1(user), server.user);
    bool password_matches = same(sha1(server.hashed ? hex(sha1(password)) : password), server.password);
    return static_cast<unsigned>(user_matches) & static_cast<unsigned>(password_matches) ? AuthResult::Ok
                                                                                         : AuthResult::Wrong;
}

}  // namespace reeve
