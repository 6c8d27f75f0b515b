// The XML-RPC codec: any body is read or refused; what is read survives the way to the engine; and any bytes
// that claim to be an encoded value are written as XML or refused.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/text/py_repr.hpp"
#include "rpc/xml_decode.hpp"
#include "rpc/xml_write.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    std::string xml;
    reeve::XmlCall call;
    if (reeve::XmlCallDecoder().decode(input, call)) {
        std::string encoded;
        reeve::encode(reeve::Value::array(std::move(call.params)), encoded);
        if (!reeve::decode(encoded) || !reeve::write_result(encoded, xml) || !reeve::is_utf8(xml))
            std::abort();
    }
    if (reeve::write_result(input, xml) && !reeve::is_utf8(xml)) std::abort();
    return 0;
}
