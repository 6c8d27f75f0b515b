// One reading of the configuration: the engine's view of it, mapped read-only from a sealed memfd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/image.hpp"
#include "common/base/messages.hpp"
#include "common/base/unique_fd.hpp"
#include "daemon/engine/process.hpp"

namespace reeve {

class Generation {
  public:
    // nullptr, and why in wrong, if the memfd is not sealed or holds no sound view.
    static std::shared_ptr<const Generation> map(const ConfigBody& body, const UniqueFd& fd,
                                                 const char*& wrong);
    ~Generation();
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;

    std::uint32_t number() const { return number_; }
    const EngineImage& image() const { return image_; }

    // Index of the group of that name, or kAbsent.
    std::uint32_t find_group(std::string_view name) const;
    // What process `proc` (index in the image) is run by.
    ProcessSettings settings(std::uint32_t proc) const;

  private:
    Generation(std::uint32_t number, void* start, std::size_t size)
        : number_(number), start_(start), size_(size) {}

    std::uint32_t number_;
    void* start_;
    std::size_t size_;
    EngineImage image_;
};

// Whether a group's definition differs between two readings so much that clients are told 'changed'.
bool group_changed(const EngineImage& active, std::uint32_t active_group, const EngineImage& fresh,
                   std::uint32_t fresh_group);

}  // namespace reeve
