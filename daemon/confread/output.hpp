// Hands the images over: into the memory files that the spawner made, sealed against any later change.
#pragma once

#include <cstddef>
#include <span>

namespace reeve {

constexpr int kSpawnerImageFd = 3;
constexpr int kEngineImageFd = 4;

// True if the descriptor is a memory file that can still be sealed.
bool is_memory_file(int fd);

// Writes and seals. False with errno.
bool write_sealed(int fd, std::span<const std::byte> bytes);

}  // namespace reeve
