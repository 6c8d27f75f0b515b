// The HTTP parser, routing, credentials, and what protects browsers.
#include <doctest/doctest.h>

#include <string>

#include "rpc/answer.hpp"
#include "rpc/credentials.hpp"
#include "rpc/guard.hpp"
#include "rpc/http_request.hpp"
#include "rpc/route.hpp"

using namespace reeve;

namespace {

// Feeds a text in pieces of a size; returns the parser's failure.
int feed(HttpParser& parser, std::string_view text, std::size_t piece) {
    while (!text.empty()) {
        const std::size_t taken = parser.feed(text.substr(0, piece));
        text.remove_prefix(taken);
        if (parser.complete() || parser.failure() != 0) break;
    }
    return parser.failure();
}

int failure_of(std::string_view text, const HttpLimits& limits = {}) {
    HttpParser parser(limits);
    const int failure = feed(parser, text, text.size());
    // However it is cut, the outcome is the same.
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
        HttpParser other(limits);
        CHECK(feed(other, text, piece) == failure);
        CHECK(other.complete() == parser.complete());
    }
    return failure;
}

HttpRequest get(std::string target, std::string method = "GET") {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.version = "HTTP/1.1";
    request.has_length = true;
    return request;
}

HttpRequest with(std::vector<std::pair<std::string, std::string>> headers) {
    HttpRequest request = get("/");
    request.headers = std::move(headers);
    return request;
}

}  // namespace

TEST_CASE("a request is put together from pieces, and leaves the next one alone") {
    const std::string text =
        "\r\n\r\nPOST /x?y HTTP/1.1\r\nHost: a\r\ncontent-LENGTH:  5 \r\nLong: one\r\n  two\r\n\r\nhelloGET";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        HttpParser parser{HttpLimits()};
        std::string_view left = text;
        while (!parser.complete()) left.remove_prefix(parser.feed(left.substr(0, piece)));
        CHECK(left == "GET");
        CHECK(parser.feed(left) == 0);
        const HttpRequest request = parser.take();
        CHECK(request.method == "POST");
        CHECK(request.target == "/x?y");
        CHECK(request.version == "HTTP/1.1");
        CHECK(request.header("host") == "a");
        CHECK(request.header("long") == "one two");
        CHECK(request.body == "hello");
        CHECK_FALSE(parser.in_request());
        CHECK(parser.feed(left) == 3);
        CHECK(parser.in_request());
    }
}

TEST_CASE("requests that are refused") {
    CHECK(failure_of("GET / HTTP/1.1\r\n\r\n") == 0);
    CHECK(failure_of("GET / HTTP/1.1\n\n") == 400);
    CHECK(failure_of("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n") == 400);
    CHECK(failure_of("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n") == 400);
    CHECK(failure_of("GET / HTTP/1.1\r\nA b: c\r\n\r\n") == 400);
    CHECK(failure_of("GET / HTTP/1.1\r\nA : c\r\n\r\n") == 400);
    CHECK(failure_of("GET / HTTP/1.1\r\n: c\r\n\r\n") == 400);
    CHECK(failure_of("GET / http/1.1\r\n\r\n") == 400);
    CHECK(failure_of("GET / HTTP/\r\n\r\n") == 400);
    CHECK(failure_of("GET / HTTP/1.1.1.1.1.1.1.1\r\n\r\n") == 400);
    CHECK(failure_of("GET /\r\n\r\n") == 400);
    CHECK(failure_of("GET /a b HTTP/1.1\r\n\r\n") == 400);
    CHECK(failure_of("GET /\tb HTTP/1.1\r\n\r\n") == 400);
    CHECK(failure_of("G(T / HTTP/1.1\r\n\r\n") == 400);
    CHECK(failure_of("GET /\xff HTTP/1.1\r\n\r\n") == 400);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc") == 0);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") == 400);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc") == 400);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc") == 400);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n") == 400);
    CHECK(failure_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == 411);
    CHECK(failure_of("GET / HTTP/1.1\r\nTransfer-Encoding: x\r\nContent-Length: 1\r\n\r\nx") == 400);
}

TEST_CASE("limits hold exactly") {
    HttpLimits limits;
    limits.header_line = 20;
    limits.headers = 60;
    limits.body = 4;
    CHECK(failure_of("GET /xxxxx HTTP/1.1\r\n\r\n", limits) == 0);
    CHECK(failure_of("GET /xxxxxx HTTP/1.1\r\n\r\n", limits) == 0);
    CHECK(failure_of("GET /xxxxxxx HTTP/1.1\r\n\r\n", limits) == 414);
    CHECK(failure_of("GET / HTTP/1.1\r\nA: xxxxxxxxxxxxxxxxx\r\n\r\n", limits) == 0);
    CHECK(failure_of("GET / HTTP/1.1\r\nA: xxxxxxxxxxxxxxxxxx\r\n\r\n", limits) == 431);
    CHECK(failure_of("GET / HTTP/1.1\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n",
                     limits) == 0);
    CHECK(failure_of("GET / HTTP/1.1\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n",
                     limits) == 431);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd", limits) == 0);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", limits) == 413);
    CHECK(failure_of("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n") == 413);
}

TEST_CASE("when a connection is kept") {
    const auto kept = [](std::string version, std::vector<std::pair<std::string, std::string>> headers) {
        HttpRequest request = with(std::move(headers));
        request.version = std::move(version);
        return request.keep_alive();
    };
    CHECK(kept("HTTP/1.1", {}));
    CHECK(kept("HTTP/2.0", {}));
    CHECK_FALSE(kept("HTTP/1.0", {}));
    CHECK_FALSE(kept("HTTP/1.1", {{"connection", "Close"}}));
    CHECK_FALSE(kept("HTTP/1.1", {{"connection", "TE , close"}}));
    CHECK(kept("HTTP/1.0", {{"connection", "Keep-Alive"}}));
    CHECK(kept("HTTP/1.1", {{"connection", ","}}));
}

TEST_CASE("routing") {
    const auto kind = [](std::string target, std::string method = "GET") {
        return find_route(get(target, method)).kind;
    };
    CHECK(kind("/RPC2", "POST") == RouteKind::Rpc);
    CHECK(kind("/%52PC2/x?y", "POST") == RouteKind::Rpc);
    CHECK(kind("//RPC2") == RouteKind::File);
    CHECK(kind("/") == RouteKind::StatusPage);
    CHECK(kind("///index.html?x#y", "POST") == RouteKind::StatusPage);
    CHECK(kind("/tail.html;a=b?c") == RouteKind::TailPage);
    CHECK(kind("/ok.html") == RouteKind::HealthPage);
    CHECK(kind("/ok.html", "HEAD") == RouteKind::File);
    CHECK(kind("/mainlogtailXYZ/zz") == RouteKind::MainLogStream);
    CHECK(find_route(get("/RPC2")).status == 400);
    CHECK(find_route(get("index.html")).status == 404);
    CHECK(find_route(get("/x", "DELETE")).status == 400);
    CHECK(find_route(get("/index.html?a=b;c#d")).query == "a=b;c");

    const auto args = [](std::string target) { return find_route(get(target)).args; };
    using Args = std::vector<std::string>;
    CHECK(args("/logtail/cat") == Args{"cat", "stdout"});
    CHECK(args("/logtailX/g%3Ax/stderr?x=1") == Args{"g:x", "stderr"});
    CHECK(args("/logtail/%2572") == Args{"r", "stdout"});
    for (const char* target : {"/logtail", "/logtail/", "/logtail//cat", "/logtail/cat/",
                               "/logtail/cat/STDOUT", "/logtail/cat/stdout/x"}) {
        CHECK(find_route(get(target)).kind == RouteKind::Refuse);
        CHECK(find_route(get(target)).status == 404);
    }
    CHECK(find_route(get("/images/../x/./y//z")).path == "x/y/z");
    CHECK(find_route(get("/images/")).path == "images/");
    CHECK(find_route(get("/%2e%2e/%252e%252e/x")).path == "");
    CHECK(normal_path("a/b/../../..") == "");
}

TEST_CASE("credentials") {
    const auto read = [](std::string value) {
        Caller caller;
        caller.user = "of the last request";
        read_credentials(with({{"authorization", std::move(value)}}), caller);
        return caller;
    };
    Caller caller = read("bAsIc dXU6cHA6eA==");  // uu:pp:x
    CHECK(caller.credentials == Credentials::Basic);
    CHECK(caller.user == "uu");
    CHECK(caller.password == "pp:x");
    CHECK(read("Basic abc").credentials == Credentials::Malformed);
    CHECK(read("Basic //8=").credentials == Credentials::Malformed);
    CHECK(read("Basic dXU=").credentials == Credentials::NoColon);
    CHECK(read("Basic !").credentials == Credentials::NoColon);
    CHECK(read("Digest x").credentials == Credentials::OtherScheme);
    CHECK(read("Basic").credentials == Credentials::OtherScheme);
    CHECK(read("Basic abc").user.empty());
    read_credentials(get("/"), caller);
    CHECK(caller.credentials == Credentials::None);
    CHECK(caller.password.empty());
}

TEST_CASE("origins and hosts") {
    Endpoint endpoint;
    endpoint.host = "bound.example";
    endpoint.allowed_hosts = "one, two";
    const auto same = [&](std::vector<std::pair<std::string, std::string>> headers) {
        return has_same_origin(with(std::move(headers)), endpoint);
    };
    CHECK(same({{"host", "a:9001"}, {"referer", "http://A:9001/x"}}));
    CHECK(same({{"host", "a"}, {"origin", "http://a:80"}}));
    CHECK(same({{"host", "a"}, {"origin", "https://a:443"}}));
    CHECK(same({{"host", "backend"}, {"origin", "https://two"}}));
    CHECK_FALSE(same({{"host", "a"}, {"origin", "https://a:80"}}));
    CHECK_FALSE(same({{"host", "a"}, {"origin", "http://a:81"}}));
    CHECK_FALSE(same({{"host", "a"}, {"origin", "http://x@a"}}));
    CHECK_FALSE(same({{"host", ""}, {"origin", "http://"}}));
    CHECK_FALSE(same({{"referer", "http:///"}}));
    CHECK_FALSE(same({{"host", "a"}}));
    CHECK_FALSE(same({{"host", "a"}, {"referer", "http://a"}, {"sec-fetch-site", "same-site"}}));

    const auto host = [&](const char* name) {
        return host_allowed(with({{"host", name}}), endpoint, "node");
    };
    for (const char* good :
         {"", "localhost", "x.localhost:1", "127.0.0.1:9001", "[::1]", "BOUND.example:1", "node", "one:2"})
        CHECK(host(good));
    for (const char* bad : {"evil", "localhost.evil", "127.0.0.1.evil", "[::1", "one.two"})
        CHECK_FALSE(host(bad));
    endpoint.authenticated = true;
    CHECK(host("evil"));

    CHECK(base_url(with({{"host", "a:80"}})) == "http://a");
    CHECK(base_url(with({{"host", "a:443"}, {"x-forwarded-proto", "https"}})) == "https://a:443");
    CHECK(base_url(with({{"host", "evil.example/x?"}})) == "");
    CHECK(is_browser(with({{"user-agent", "Mozilla/5.0"}})));
    CHECK_FALSE(is_browser(with({{"user-agent", "curl/7.88 Mozilla/5.0"}})));
}

TEST_CASE("the head of an answer") {
    HttpRequest request = get("/");
    request.version = "HTTP/1.0";
    request.headers = {{"connection", "keep-alive"}};
    const std::string head = answer_head(Answer().content("text/plain", "OK"), request, 0);
    CHECK(head ==
          "HTTP/1.0 200 OK\r\nServer: Medusa/1.12\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: "
          "text/plain\r\n"
          "Content-Length: 2\r\nConnection: Keep-Alive\r\n\r\n");
    CHECK(error_answer(500).body.size() == 146);
    CHECK(error_answer(411).body.size() == 140);
}
