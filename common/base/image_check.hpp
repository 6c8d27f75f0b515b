// The proof that references of an image lie inside it, for image.cpp and image_view.cpp.
#pragma once

#include "common/base/image.hpp"

namespace reeve {

class ImageCheck {
  public:
    explicit ImageCheck(std::span<const std::byte> bytes) : bytes_(bytes) {}

    // nullptr, or what is wrong with the header.
    const char* header(ImageKind kind, std::size_t tables_size);
    std::uint32_t tables() const { return header_.tables; }
    // A table of records: aligned and inside.
    bool table(Range range, std::size_t record, std::size_t align) const;
    // A string: inside the pool, ended by NUL, none within.
    bool str(StrRef ref, bool may_be_absent = false) const;
    static bool within(Range range, std::uint32_t count) {
        return range.first <= count && count - range.first >= range.count;
    }

  private:
    std::span<const std::byte> bytes_;
    ImageHeader header_{};
};

}  // namespace reeve
