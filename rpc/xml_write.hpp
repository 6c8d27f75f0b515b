// XML-RPC answers, in exactly the form that clients have always got: LF line ends, <int>, no encoding
// declaration.
//
// Results are turned into XML straight from their binary form (common/rpcproto/value.hpp), without building
// values: a result with a thousand processes takes about a millisecond.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reeve {

constexpr std::size_t kMaxXmlText = 512 * 1024 * 1024;  // escapes make texts up to five times as long

// A whole <methodResponse> of an encoded value; false if the bytes are not exactly one value, or if a text
// would be longer than kMaxXmlText. Integers saturate at 32 bits, the widest that the wire has.
bool write_result(std::string_view encoded, std::string& out);

// A whole <methodResponse> of a fault.
std::string write_fault(std::int32_t code, std::string_view text);

}  // namespace reeve
