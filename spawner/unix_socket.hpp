// Makes unix sockets in the file system without a moment in which they have another mode or owner than they
// should, and without following what somebody else may have put there.
#pragma once

#include <sys/un.h>

#include <cstdint>

#include "common/base/unique_fd.hpp"

namespace reeve {

// The address of a socket's file. False with ENAMETOOLONG.
bool unix_address(const char* path, sockaddr_un& out);

// Creates a socket of that type (SOCK_STREAM and flags), bound to path, with mode, and owner and group if
// they are not kAbsent. Nothing is replaced: a path that exists is EADDRINUSE. *chown_failed tells which call
// failed. Invalid with errno; nothing is left behind then.
UniqueFd bind_unix(const char* path, int type, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                   bool* chown_failed = nullptr);

}  // namespace reeve
