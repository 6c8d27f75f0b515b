// XML-RPC documents to and from values: a writer of calls, and a reader of answers over expat.
//
// Not by xmlrpc-c: it needs 60 ms of processor time for the answer about a thousand programs (this needs 15),
// it refuses characters above U+FFFF, so that one emoji would make a log unreadable, and it crashes on some
// answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/rpcproto/value.hpp"

namespace reeve::ctl {

// The document that calls a method. Parameters are Int, Boolean or String. Throws Error if one cannot be
// sent: a number beyond 32 bits, text that is not UTF-8 or has characters that XML forbids.
std::string encode_call(std::string_view method, const std::vector<Value>& parameters);

// The value in an answer. Throws RpcFault if it is a fault, Error if it is no XML-RPC at all.
Value decode_response(std::string_view xml);

}  // namespace reeve::ctl
