// Puts an image together: a header, the tables' record, the pool of strings, and the tables behind it. Equal
// strings are stored once.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/image.hpp"
#include "common/conf/error.hpp"

namespace reeve {

constexpr StrRef kNoText = {kAbsent, 0};
constexpr std::uint32_t round_to_8(std::size_t size) {
    return static_cast<std::uint32_t>((size + 7) / 8 * 8);
}

class StringPool {
  public:
    // `start`: where the pool lies in the image.
    explicit StringPool(std::size_t start) : start_(start) {}

    StrRef add(std::string_view text) {
        if (text.size() >= kMaxImage || bytes_.size() >= kMaxImage)
            throw ConfigError("the configuration is too large: its image is limited to 32 MiB");
        StrRef ref{static_cast<std::uint32_t>(start_ + bytes_.size()),
                   static_cast<std::uint32_t>(text.size())};
        auto [known, is_new] = known_.try_emplace(std::string(text), ref);
        if (!is_new) return known->second;
        bytes_ += text;
        bytes_ += '\0';
        return ref;
    }
    // "" counts as absent.
    StrRef add_unless_empty(std::string_view text) { return text.empty() ? kNoText : add(text); }

    const std::string& bytes() const { return bytes_; }

  private:
    std::size_t start_;
    std::string bytes_;
    std::unordered_map<std::string, StrRef> known_;
};

// An image with tables of the type Tables (SpawnerTables or EngineTables).
template <typename Tables>
class ImageBuilder {
  public:
    static constexpr std::size_t kPoolStart = round_to_8(sizeof(ImageHeader) + sizeof(Tables));

    explicit ImageBuilder(ImageKind kind) : pool(kPoolStart), kind_(kind) {}

    StringPool pool;
    Tables tables{};
    std::vector<StrRef> refs;

    // Appends strings as one range of refs.
    Range add_refs(const std::vector<StrRef>& list) {
        Range range{static_cast<std::uint32_t>(refs.size()), static_cast<std::uint32_t>(list.size())};
        refs.insert(refs.end(), list.begin(), list.end());
        return range;
    }

    // The same for strings that are not yet in the pool; equal lists are stored once.
    Range add_list(const std::vector<std::string>& list) {
        std::string key;
        for (const std::string& text : list) (key += text) += '\0';
        auto known = lists_.find(key);
        if (known != lists_.end()) return known->second;
        std::vector<StrRef> added;
        for (const std::string& text : list) added.push_back(pool.add(text));
        return lists_.emplace(std::move(key), add_refs(added)).first->second;
    }

    // Call it for each table once all strings are in the pool; answers what belongs into `tables`.
    template <typename Record>
    Range place(const std::vector<Record>& records) {
        static_assert(std::is_trivially_copyable_v<Record>);
        std::size_t first = round_to_8(kPoolStart + pool.bytes().size()) + behind_.size();
        std::size_t size = records.size() * sizeof(Record);
        if (first + size > kMaxImage)
            throw ConfigError("the configuration is too large: its image is limited to 32 MiB");
        behind_.resize(round_to_8(behind_.size() + size));
        if (size > 0)
            std::memcpy(behind_.data() + (first - round_to_8(kPoolStart + pool.bytes().size())),
                        records.data(), size);
        return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(records.size())};
    }

    // The image. `tables` must be complete.
    std::vector<std::byte> bytes() const {
        std::size_t behind = round_to_8(kPoolStart + pool.bytes().size());
        std::vector<std::byte> out(behind + behind_.size());
        ImageHeader header{};
        std::memcpy(header.magic, "REEVEIMG", sizeof header.magic);
        header.version = kImageVersion;
        header.kind = kind_;
        header.size = static_cast<std::uint32_t>(out.size());
        header.tables = sizeof(ImageHeader);
        header.pool = {static_cast<std::uint32_t>(kPoolStart),
                       static_cast<std::uint32_t>(pool.bytes().size())};
        std::memcpy(out.data(), &header, sizeof header);
        std::memcpy(out.data() + sizeof header, &tables, sizeof tables);
        std::memcpy(out.data() + kPoolStart, pool.bytes().data(), pool.bytes().size());
        if (!behind_.empty()) std::memcpy(out.data() + behind, behind_.data(), behind_.size());
        return out;
    }

  private:
    static_assert(sizeof(ImageHeader) % 8 == 0);
    ImageKind kind_;
    std::unordered_map<std::string, Range> lists_;
    std::vector<std::byte> behind_;
};

}  // namespace reeve
