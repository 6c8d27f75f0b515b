// XML-RPC calls: from XML to a method name and parameters, over libexpat.
//
// The typing is as loose as clients have come to rely on: an element's value is what its content makes of it,
// wrappers may be missing, an unknown type is its text, only "1" is true, base64 becomes text. What cannot be
// read at all is refused as a whole (HTTP 400). A DOCTYPE is refused (entities could grow without bound), and
// so are more than kMaxDepth levels and more than kMaxCallValues values, whatever the size of the body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/rpcproto/value.hpp"

namespace reeve {

constexpr std::size_t kMaxCallValues = 200000;

struct XmlCall {
    std::string method;
    std::vector<Value> params;
};

// False if the body is no call; error() then says why, for tests and curious clients.
class XmlCallDecoder {
  public:
    // salt: a secret number, so that nobody can choose names that collide in expat's tables; 0: expat makes
    // one for each call.
    explicit XmlCallDecoder(unsigned long salt = 0) : salt_(salt) {}

    bool decode(std::string_view body, XmlCall& call);
    const char* error() const { return error_; }

  private:
    unsigned long salt_;
    const char* error_ = "";
};

}  // namespace reeve
