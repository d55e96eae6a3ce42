// Reads of a few KiB that are near each other, such as the records of one file, served from a few windows of 1 MiB.
#pragma once

#include <cstdint>

#include "io/aligned_buffer.h"
#include "sectors.h"

namespace diskferry::ntfs {

// For one thread, and for reading only.
class WindowedReader final : public Sectors {
 public:
  explicit WindowedReader(Sectors& volume) : volume_(volume) {}

  uint64_t sizeBytes() const override { return volume_.sizeBytes(); }
  uint32_t sectorBytes() const override { return volume_.sectorBytes(); }
  // Any offset and length.
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override;
  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override;
  Status flush() override { return Status::ok(); }

 private:
  struct Window {
    uint64_t offsetBytes = ~0ull;
    uint64_t lengthBytes = 0;
    uint64_t lastUse = 0;
    AlignedBuffer bytes;
  };
  Sectors& volume_;
  Window windows_[4];
  uint64_t uses_ = 0;
};

}  // namespace diskferry::ntfs
