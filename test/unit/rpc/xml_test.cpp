// The XML-RPC codec, and the coding of text.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "rpc/text.hpp"
#include "rpc/xml_decode.hpp"
#include "rpc/xml_write.hpp"

using namespace reeve;

namespace {

std::string call_of(std::string_view params) {
    return "<methodCall><methodName>m</methodName><params>" + std::string(params) + "</params></methodCall>";
}

bool accepted(std::string_view body) {
    XmlCall call;
    XmlCallDecoder decoder;
    const bool ok = decoder.decode(body, call);
    CHECK(ok == (decoder.error()[0] == '\0'));
    return ok;
}

// The only parameter's value, from what stands inside <value>.
Value value_of(std::string_view xml) {
    XmlCall call;
    REQUIRE(XmlCallDecoder().decode(call_of("<param><value>" + std::string(xml) + "</value></param>"), call));
    REQUIRE(call.params.size() == 1);
    return call.params[0];
}

bool refused(std::string_view xml) {
    return !accepted(call_of("<param><value>" + std::string(xml) + "</value></param>"));
}

std::string result_of(const Value& value) {
    std::string encoded;
    std::string xml;
    encode(value, encoded);
    REQUIRE(write_result(encoded, xml));
    constexpr std::string_view kBefore = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n";
    constexpr std::string_view kAfter = "\n</param>\n</params>\n</methodResponse>\n";
    REQUIRE(xml.starts_with(kBefore));
    REQUIRE(xml.ends_with(kAfter));
    return xml.substr(kBefore.size(), xml.size() - kBefore.size() - kAfter.size());
}

std::string repeat(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

}  // namespace

TEST_CASE("bodies that are calls, and bodies that are none") {
    CHECK(accepted(call_of("")));
    CHECK(accepted("<foo><methodName>m</methodName></foo>"));
    CHECK(accepted("\xEF\xBB\xBF<?xml version=\"1.0\"?><m><methodName>m</methodName></m>"));
    CHECK(accepted("  \r\n<?xml version='1.0' encoding='iso-8859-1'?>" +
                   call_of("<param><value>\xC3\xA9</value></param>") + " \n"));
    CHECK(accepted("<m><params/><methodName>m</methodName></m>"));
    CHECK_FALSE(accepted(""));
    CHECK_FALSE(accepted("junk"));
    CHECK_FALSE(accepted("<methodCall/>"));
    CHECK_FALSE(accepted("<m><methodName/></m>"));
    CHECK_FALSE(accepted("<m><methodName>m</methodName></m>x"));
    CHECK_FALSE(accepted("<m><methodName>m</methodName>"));
    CHECK_FALSE(accepted(call_of("<param/>")));
    CHECK_FALSE(accepted(call_of("<param><value>\xFF</value></param>")));
    CHECK_FALSE(accepted("<!DOCTYPE x>" + call_of("")));
    CHECK_FALSE(accepted("<!DOCTYPE x [<!ENTITY a 'b'>]><m><methodName>&a;</methodName></m>"));
    CHECK_FALSE(accepted("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + call_of("")));
    CHECK_FALSE(accepted("<m><methodName>&nope;</methodName></m>"));
    CHECK_FALSE(accepted(repeat("<a>", 400000)));
    CHECK_FALSE(accepted(call_of(repeat("<param><value/></param>", static_cast<int>(kMaxCallValues / 2)))));

    XmlCall call;
    CHECK(XmlCallDecoder().decode("<m><methodName>one</methodName><methodName>two</methodName></m>", call));
    CHECK(call.method == "two");
    CHECK(XmlCallDecoder().decode(call_of("<value>a</value><param><int>5</int></param>"), call));
    CHECK(call.params == std::vector<Value>{Value::string("a"), Value::integer(5)});
}

TEST_CASE("types are read as loosely as clients expect") {
    CHECK(value_of("<int> 7\n</int>") == Value::integer(7));
    CHECK(value_of("<i4>+1_000</i4>") == Value::integer(1000));
    CHECK(value_of("<int>-5</int>") == Value::integer(-5));
    CHECK(value_of("<int>99999999999</int>") == Value::integer(99999999999));
    CHECK(value_of("<int>-99999999999999999999999</int>") ==
          Value::integer(std::numeric_limits<std::int64_t>::min()));
    for (const char* bad : {"<int/>", "<int>x</int>", "<int>1.5</int>", "<int>1__0</int>", "<int>_1</int>",
                            "<int>+-1</int>", "<int>0x1</int>"})
        CHECK(refused(bad));
    CHECK(value_of("<boolean>1</boolean>") == Value::boolean(true));
    CHECK(value_of("<boolean>true</boolean>") == Value::boolean(false));
    CHECK(value_of("<boolean/>") == Value::boolean(false));
    CHECK(value_of("<double>1.5</double>") == Value::real(1.5));
    CHECK(value_of("<double>1e400</double>").as_double() == std::numeric_limits<double>::infinity());
    CHECK(std::isnan(value_of("<double>nan</double>").as_double()));
    CHECK(refused("<double>0x10</double>"));
    CHECK(refused("<double/>"));
    CHECK(value_of("") == Value::string(""));
    CHECK(value_of("bare &lt;text&gt; &#233;") == Value::string("bare <text> \xC3\xA9"));
    CHECK(value_of("<string/>") == Value::string(""));
    CHECK(value_of("<string>a<!-- x -->b</string>") == Value::string("ab"));
    CHECK(value_of("<string>a<b>c</b>d</string>") == Value::string("a"));
    CHECK(value_of("text <int>5</int> text") == Value::integer(5));
    CHECK(value_of("<nil/>") == Value());
    CHECK(value_of("<ex:nil/>") == Value());
    CHECK(value_of("<i8>5</i8>") == Value::string("5"));
    CHECK(value_of("<base64>aGk=</base64>") == Value::string("hi"));
    CHECK(value_of("<base64>a G\nk=</base64>") == Value::string("hi"));
    CHECK(value_of("<base64>?!</base64>") == Value::string(""));
    CHECK(refused("<base64>/w==</base64>"));
    CHECK(refused("<base64>abc</base64>"));
    CHECK(value_of("<dateTime.iso8601>20261121T00:02:49</dateTime.iso8601>") ==
          Value::string("2026-11-21 00:02:49"));
    CHECK(refused("<dateTime.iso8601>2026-11-21T00:02:49</dateTime.iso8601>"));
    CHECK(refused("<dateTime.iso8601>20261321T00:02:49</dateTime.iso8601>"));
    CHECK(value_of("<array><data><value>a</value><value><int>1</int></value></data></array>") ==
          Value::array({Value::string("a"), Value::integer(1)}));
    CHECK(value_of("<array><data/></array>") == Value::array());
    CHECK(refused("<array/>"));
    CHECK(value_of("<struct><member><name>a</name><value><int>1</int></value></member></struct>") ==
          Value::structure({{"a", Value::integer(1)}}));
    CHECK(value_of("<struct/>") == Value::structure());
    CHECK(refused("<struct><member><name>a</name></member></struct>"));
    CHECK(refused("<struct><member><int>1</int><value/></member></struct>"));
    CHECK(refused("<struct><value/></struct>"));
    CHECK(value_of("<x><a/><b/></x>") == Value());
}

TEST_CASE("nesting ends at a depth that the engine still takes") {
    const auto nested = [](int levels) { return repeat("<data>", levels) + repeat("</data>", levels); };
    CHECK(accepted(call_of(nested(98))));
    CHECK_FALSE(accepted(call_of(nested(99))));
    XmlCall call;
    REQUIRE(XmlCallDecoder().decode(call_of(nested(98)), call));
    std::string encoded;
    encode(Value::array(std::move(call.params)), encoded);
    CHECK(decode(encoded));
}

TEST_CASE("results") {
    CHECK(result_of(Value::integer(5)) == "<value><int>5</int></value>");
    CHECK(result_of(Value::integer(std::int64_t{1} << 31)) == "<value><int>2147483647</int></value>");
    CHECK(result_of(Value::integer(-(std::int64_t{1} << 40))) == "<value><int>-2147483648</int></value>");
    CHECK(result_of(Value::boolean(true)) == "<value><boolean>1</boolean></value>");
    CHECK(result_of(Value::string("")) == "<value><string></string></value>");
    CHECK(result_of(Value::string("<&>\"'\r\n\t")) ==
          "<value><string>&lt;&amp;&gt;\"'\r\n\t</string></value>");
    CHECK(result_of(Value::string(std::string("\0\x1b\x7f", 3))) ==
          "<value><string>\xE2\x90\x80\xE2\x90\x9B\x7f</string></value>");
    CHECK(result_of(Value::string("a\xFF\xC3z\xED\xA0\x80")) ==
          "<value><string>a\xEF\xBF\xBD\xEF\xBF\xBDz" + repeat("\xEF\xBF\xBD", 3) + "</string></value>");
    CHECK(result_of(Value::string("\xEF\xBF\xBE\xF0\x9F\x98\x80")) ==
          "<value><string>\xEF\xBF\xBD\xF0\x9F\x98\x80</string></value>");
    CHECK(result_of(Value::real(1.5)) == "<value><double>1.5</double></value>");
    CHECK(result_of(Value::real(2)) == "<value><double>2.0</double></value>");
    CHECK(result_of(Value::array()) == "<value><array><data>\n</data></array></value>");
    CHECK(result_of(Value::array({Value::structure({{"a<", Value::integer(1)}})})) ==
          "<value><array><data>\n<value><struct>\n<member>\n<name>a&lt;</name>\n<value><int>1</int></"
          "value>\n</member>\n"
          "</struct></value>\n</data></array></value>");
    CHECK(write_fault(10, "BAD_NAME: <x>") ==
          "<?xml "
          "version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n"
          "<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n"
          "<value><string>BAD_NAME: "
          "&lt;x&gt;</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n");
}

TEST_CASE("an encoded result that is cut or too long is noticed") {
    std::string encoded;
    encode(
        Value::structure({{"a", Value::array({Value::string("x"), Value::real(1), Value::boolean(false)})}}),
        encoded);
    std::string xml;
    CHECK(write_result(encoded, xml));
    for (std::size_t size = 0; size < encoded.size(); ++size)
        CHECK_FALSE(write_result(std::string_view(encoded).substr(0, size), xml));
    CHECK_FALSE(write_result(encoded + "x", xml));
    CHECK_FALSE(write_result("\x07", xml));
}

TEST_CASE("percent, base64, forms, dates") {
    CHECK(percent_decode("a%20b%2fc%2%zz%") == "a b/c%2%zz%");
    CHECK(percent_encode("g:x \xC3\xA9/~") == "g%3Ax%20%C3%A9/~");
    CHECK(base64_decode("").value() == "");
    CHECK(base64_decode("YQ==YQ==").value() == "a");
    CHECK(base64_decode("YWJj").value() == "abc");
    CHECK_FALSE(base64_decode("Y"));
    CHECK_FALSE(base64_decode("YW=I"));
    const Fields fields = parse_fields("a=1&b=&c&a=2&d%3D=x+y%2B&=z");
    CHECK(fields == Fields{{"a", "1"}, {"a", "2"}, {"d=", "x y+"}, {"", "z"}});
    CHECK(*find_field(fields, "a") == "1");
    CHECK(find_field(fields, "b") == nullptr);
    CHECK(html("<\"'&\x01") == "&lt;&quot;&#39;&amp;\xE2\x90\x81");
    CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    for (const char* bad :
         {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 06 Nov 1994"})
        CHECK_FALSE(parse_http_date(bad));
}
