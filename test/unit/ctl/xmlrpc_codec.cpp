// The XML-RPC codec: what it writes and reads, that it agrees with xmlrpc-c, and what it refuses.
#include "ctl/xmlrpc_codec.hpp"

#include <doctest/doctest.h>
#include <xmlrpc-c/base.hpp>
#include <xmlrpc-c/xml.hpp>

#include "ctl/errors.hpp"

using namespace reeve;
using namespace reeve::ctl;

namespace {

std::string response(const std::string& value) {
    return "<?xml version='1.0'?><methodResponse><params><param>" + value +
           "</param></params></methodResponse>";
}

Value read(const std::string& value) { return decode_response(response(value)); }

constexpr const char* kEmoji = "log \xF0\x9F\x98\x80 \xEE\x80\x80 \xEF\xBF\xBD";

}  // namespace

TEST_CASE("values of all types") {
    CHECK(read("<value><int>-5</int></value>") == Value::integer(-5));
    CHECK(read("<value><i4>5</i4></value>") == Value::integer(5));
    CHECK(read("<value><i8>5000000000</i8></value>") == Value::integer(5000000000));
    CHECK(read("<value><boolean>1</boolean></value>") == Value::boolean(true));
    CHECK(read("<value><double>1.5</double></value>") == Value::real(1.5));
    CHECK(read("<value><nil/></value>") == Value());
    CHECK(read("<value><string> a\n b </string></value>") == Value::string(" a\n b "));
    CHECK(read("<value><string/></value>") == Value::string(""));
    CHECK(read("<value>bare &amp; &lt;</value>") == Value::string("bare & <"));
    CHECK(read("<value/>") == Value::string(""));
    CHECK(read("<value>\n<array>\n<data>\n</data>\n</array>\n</value>") == Value::array());
    CHECK(read("<value><struct/></value>") == Value::structure());
}

TEST_CASE("nested values") {
    Value expected = Value::array();
    Value item = Value::structure();
    item.add("name", Value::string("x")).add("list", Value::array({Value::integer(1), Value::string("y")}));
    expected.items().push_back(item);
    CHECK(read("<value><array><data>\n <value><struct>\n <member><name>name</name> <value>x</value></member>"
               "<member><name>list</name><value><array><data><value><int>1</int></value>\n<value><string>y</"
               "string>"
               "</value></data></array></value></member></struct></value></data></array></value>") ==
          expected);
}

TEST_CASE("characters beyond U+FFFF, and private ones, pass") {
    CHECK(read(std::string("<value><string>") + kEmoji + "</string></value>").as_string() == kEmoji);
    CHECK(read("<value>&#x1F600;</value>").as_string() == "\xF0\x9F\x98\x80");
    CHECK(encode_call("m", {Value::string(kEmoji)}).find(kEmoji) != std::string::npos);
}

TEST_CASE("faults") {
    std::string fault =
        "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>10</int></value></"
        "member>"
        "<member><name>faultString</name><value><string>BAD_NAME: "
        "x</string></value></member></struct></value></fault>"
        "</methodResponse>";
    try {
        decode_response(fault);
        FAIL("no fault");
    } catch (const RpcFault& error) {
        CHECK(error.code == 10);
        CHECK(std::string(error.what()) == "BAD_NAME: x");
    }
}

TEST_CASE("what is no answer is refused") {
    std::string deep;
    for (int i = 0; i < 200000; ++i) deep += "<value><array><data>";
    for (const std::string& text :
         {std::string(), std::string("junk"), std::string("<methodResponse/>"), response(""),
          response("<value>"), response("<value><int>x</int></value>"), response("<value><i8>b</i8></value>"),
          response("<value><what/></value>"), response("<int>5</int>"),
          response("<value><int>1</int><value>2</value></value>"), response("<array/>"),
          response("<value>\x1B[31m</value>"), response("<value>\xFF</value>"), deep, response(deep),
          std::string("<!DOCTYPE x [<!ENTITY a 'b'>]>") + response("<value>&a;</value>"),
          std::string("<methodResponse><fault><value>x</value></fault></methodResponse>")}) {
        CHECK_THROWS_AS(decode_response(text), Error);
    }
}

TEST_CASE("what cannot be sent is refused") {
    CHECK_THROWS_AS(encode_call("m", {Value::integer(99999999999)}), Error);
    CHECK_THROWS_AS(encode_call("m", {Value::string("\xFF")}), Error);
    CHECK_THROWS_AS(encode_call("m", {Value::string("\x1B")}), Error);
    CHECK_THROWS_AS(encode_call("m", {Value::array()}), Error);
}

TEST_CASE("CR survives the way") {
    CHECK(encode_call("m", {Value::string("a\r\n")}).find("<string>a&#13;\n</string>") != std::string::npos);
    CHECK(read("<value>a&#13;b</value>").as_string() == "a\rb");
}

TEST_CASE("xmlrpc-c reads our calls") {
    std::string name;
    xmlrpc_c::paramList parameters;
    xmlrpc_c::xml::parseCall(encode_call("supervisor.x", {Value::string("a<&>\n'\"\xC3\xA4"),
                                                          Value::integer(-1600), Value::boolean(true)}),
                             &name, &parameters);
    CHECK(name == "supervisor.x");
    CHECK(parameters.getString(0) == "a<&>\n'\"\xC3\xA4");
    CHECK(parameters.getInt(1) == -1600);
    CHECK(parameters.getBoolean(2));
    CHECK(parameters.size() == 3);
}

TEST_CASE("we read xmlrpc-c's answers") {
    xmlrpc_c::cstruct members{{"name", xmlrpc_c::value_string("a<b")}, {"pid", xmlrpc_c::value_int(7)}};
    std::string xml;
    xmlrpc_c::xml::generateResponse(xmlrpc_c::rpcOutcome(xmlrpc_c::value_struct(members)), &xml);
    Value value = decode_response(xml);
    REQUIRE(value.member("name") != nullptr);
    CHECK(value.member("name")->as_string() == "a<b");
    CHECK(value.member("pid")->as_int() == 7);
    xmlrpc_c::xml::generateResponse(
        xmlrpc_c::rpcOutcome(xmlrpc_c::fault("NO_FILE", xmlrpc_c::fault::code_t(20))), &xml);
    CHECK_THROWS_AS(decode_response(xml), RpcFault);
}
