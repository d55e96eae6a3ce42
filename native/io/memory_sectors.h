// Sectors in memory, for tests and small images. Never used for drives.
#pragma once

#include <cstring>
#include <vector>

#include "sectors.h"

namespace diskferry {

class MemorySectors final : public Sectors {
 public:
  MemorySectors(uint64_t sizeBytes, uint32_t sectorBytes) : bytes_(sizeBytes), sectorBytes_(sectorBytes) {}

  uint64_t sizeBytes() const override { return bytes_.size(); }
  uint32_t sectorBytes() const override { return sectorBytes_; }

  Status read(uint64_t offsetBytes, std::span<std::byte> into) override {
    DISKFERRY_TRY(check(offsetBytes, into.size()));
    std::memcpy(into.data(), bytes_.data() + offsetBytes, into.size());
    return Status::ok();
  }

  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override {
    DISKFERRY_TRY(check(offsetBytes, from.size()));
    std::memcpy(bytes_.data() + offsetBytes, from.data(), from.size());
    return Status::ok();
  }

  Status flush() override { return Status::ok(); }
  std::span<std::byte> bytes() { return bytes_; }

 private:
  Status check(uint64_t offset, uint64_t length) const {
    if (offset % sectorBytes_ != 0 || length % sectorBytes_ != 0 || offset > bytes_.size() ||
        length > bytes_.size() - offset)
      return Status(ErrorCode::DEVICE_RANGE, "memory: range " + std::to_string(offset) + "+" + std::to_string(length) +
                                                 " is outside or not aligned to " + std::to_string(sectorBytes_));
    return Status::ok();
  }

  std::vector<std::byte> bytes_;
  uint32_t sectorBytes_;
};

}  // namespace diskferry
