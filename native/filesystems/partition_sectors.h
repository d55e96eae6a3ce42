// A part of a device as Sectors of its own, to be read at any offset: structures of file systems do not begin where
// sectors do.
#pragma once

#include <memory>

#include "sectors.h"

namespace diskferry::filesystems {

// Read only. Thread-safe as what is below.
class PartitionSectors final : public Sectors {
 public:
  // `offsetBytes` is a multiple of the device's sector; of `lengthBytes` only whole sectors count.
  PartitionSectors(std::shared_ptr<Sectors> device, uint64_t offsetBytes, uint64_t lengthBytes)
      : device_(std::move(device)),
        offsetBytes_(offsetBytes),
        lengthBytes_(lengthBytes / device_->sectorBytes() * device_->sectorBytes()) {}

  uint64_t sizeBytes() const override { return lengthBytes_; }
  uint32_t sectorBytes() const override { return device_->sectorBytes(); }
  // What is not whole sectors is read with a little more around it.
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override;
  Status write(uint64_t, std::span<const std::byte>) override {
    return Status(ErrorCode::INTERNAL, "a partition is only read here");
  }
  Status flush() override { return Status::ok(); }

 private:
  std::shared_ptr<Sectors> device_;
  uint64_t offsetBytes_;
  uint64_t lengthBytes_;
};

}  // namespace diskferry::filesystems
