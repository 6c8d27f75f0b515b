// What a spawner that was executed anew believes of REEVE_STATE: the first byte says what the variable names,
// the rest is in that file. Only a sealed memfd of the right form counts, and nothing else is closed or taken
// over.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "spawner/finish.hpp"
#include "spawner/startup.hpp"
#include "spawner/state.hpp"

using namespace reeve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    constexpr int kAll = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (::write(file.get(), data + 2, size - 2) != static_cast<ssize_t>(size - 2)) std::abort();
    std::string value;
    bool sealed = data[0] % 4 != 0;
    if (sealed) ::fcntl(file.get(), F_ADD_SEALS, data[0] % 8 == 1 ? F_SEAL_WRITE : kAll);
    if (data[1] % 4 == 3) {
        value.assign(reinterpret_cast<const char*>(data), size);
        value.resize(std::strlen(value.c_str()));
    } else {
        value = std::to_string(file.get());
    }
    ::setenv("REEVE_STATE", value.c_str(), 1);
    int fd = file.get();
    auto state = std::make_unique<State>();
    // The directory that the bytes name may be any descriptor; it is not to be closed here.
    inherit(*state);
    if (std::getenv("REEVE_STATE") != nullptr) std::abort();
    if (state->resumed) {
        Life left{};
        if (!sealed || size - 2 < sizeof left) std::abort();
        std::memcpy(&left, data + 2, sizeof left);
        if (std::memcmp(left.magic, "REEVERUN", 8) != 0 || state->life.carry != left.carry) std::abort();
        file.release();  // it was closed
    } else if (::fcntl(fd, F_GETFD) < 0 || state->life.daemonized != 0 || state->life.carry != 0) {
        std::abort();
    }
    return 0;
}
