// What supervisorctl makes of a server's answer, and that what it reads it could send: the text of an answer
// that decodes survives a call's encoding, unless XML has no way to say it.
#include <cstdint>
#include <string_view>

#include "ctl/errors.hpp"
#include "ctl/xmlrpc_codec.hpp"

using namespace reeve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        Value value = ctl::decode_response({reinterpret_cast<const char*>(data), size});
        ctl::encode_call("supervisor.x", {Value::integer(1), value});
    } catch (const std::exception&) {
    }
    return 0;
}
