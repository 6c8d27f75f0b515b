// Notes as bytes. See note.hpp.
#include "daemon/engine/note.hpp"

#include <cstring>
#include <type_traits>

namespace reeve {

static_assert(std::has_unique_object_representations_v<Note>, "Note has padding");
static_assert(sizeof(Note) + kPoolNoteSize == kNoteSize);

void pack_note(const Note& note, const PoolNote& pool, std::uint8_t (&bytes)[kNoteSize]) {
    std::memcpy(bytes, &note, sizeof note);
    std::memcpy(bytes + sizeof note, pool.data(), pool.size());
}

Note unpack_note(const std::uint8_t (&bytes)[kNoteSize]) {
    Note note;
    std::memcpy(&note, bytes, sizeof note);
    if (note.version == kNoteVersion) return note;
    note = Note{};
    note.version = 0;
    return note;
}

PoolNote unpack_pool_note(const std::uint8_t (&bytes)[kNoteSize]) {
    PoolNote pool;
    std::memcpy(pool.data(), bytes + sizeof(Note), pool.size());
    return pool;
}

}  // namespace reeve
