// SHA-1 vectors and who is let in.
#include <doctest/doctest.h>

#include "daemon/engine/auth.hpp"

using namespace reeve;

TEST_CASE("SHA-1 test vectors (FIPS 180)") {
    CHECK(hex(sha1("")) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(hex(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hex(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(hex(sha1(std::string(1'000'000, 'a'))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    CHECK(hex(sha1("thepassword")) == "82ab876d1387bfafe46cc1c8a2ef074eae50cb1d");
    // Every length around the padding's edges: compare with one byte more, which must differ.
    for (std::size_t size = 50; size < 130; ++size) {
        CHECK(hex(sha1(std::string(size, 'x'))) != hex(sha1(std::string(size + 1, 'x'))));
    }
    CHECK(hex(sha1(std::string(55, 'a'))) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    CHECK(hex(sha1(std::string(56, 'a'))) == "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    CHECK(hex(sha1(std::string(64, 'a'))) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST_CASE("clear text, {SHA}, and no authentication") {
    Auth auth;
    auth.add_server("", "");
    auth.add_server("uu", "pp");
    auth.add_server("user", "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d");
    auth.add_server("user", "{SHA}82AB876D1387BFAFE46CC1C8A2EF074EAE50CB1D");
    auth.add_server("user", "{SHA}");
    CHECK(auth.server_count() == 5);
    CHECK(auth.open(0));
    CHECK_FALSE(auth.open(1));
    auto basic = [&](std::uint32_t server, std::string_view user, std::string_view password) {
        return auth.check(server, Credentials::Basic, user, password);
    };
    CHECK(basic(0, "any", "thing") == AuthResult::Ok);
    CHECK(auth.check(0, Credentials::Malformed, "", "") == AuthResult::Ok);
    CHECK(basic(1, "uu", "pp") == AuthResult::Ok);
    CHECK(basic(1, "uu", "bad") == AuthResult::Wrong);
    CHECK(basic(1, "UU", "pp") == AuthResult::Wrong);
    CHECK(basic(1, "uu", "") == AuthResult::Wrong);
    CHECK(basic(1, "", "") == AuthResult::Wrong);
    CHECK(basic(1, "uu", "pp:x") == AuthResult::Wrong);
    CHECK(auth.check(1, Credentials::None, "uu", "pp") == AuthResult::Missing);
    CHECK(auth.check(1, Credentials::OtherScheme, "", "") == AuthResult::Missing);
    CHECK(auth.check(1, Credentials::Malformed, "", "") == AuthResult::BadRequest);
    CHECK(auth.check(1, Credentials::NoColon, "", "") == AuthResult::ServerError);
    CHECK(basic(2, "user", "thepassword") == AuthResult::Ok);
    CHECK(basic(2, "user", "82ab876d1387bfafe46cc1c8a2ef074eae50cb1d") == AuthResult::Wrong);
    CHECK(basic(2, "user", "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d") == AuthResult::Wrong);
    CHECK(basic(3, "user", "thepassword") == AuthResult::Wrong);
    CHECK(basic(4, "user", "") == AuthResult::Wrong);
}
