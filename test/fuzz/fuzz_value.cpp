// Values between front and engine: what decodes encodes to something that decodes to the same, and is no
// larger in memory than a multiple of its bytes.
#include <cmath>
#include <cstdlib>
#include <string>

#include "common/rpcproto/value.hpp"

using namespace reeve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::optional<Value> value = decode({reinterpret_cast<const char*>(data), size});
    if (!value) return 0;
    std::string bytes;
    encode(*value, bytes);
    std::optional<Value> again = decode(bytes);
    if (!again) std::abort();
    std::string twice;
    encode(*again, twice);  // compared as bytes, because NaN is not equal to itself
    if (twice != bytes) std::abort();
    return 0;
}
