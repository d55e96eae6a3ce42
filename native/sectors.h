// The seam between file systems, encryption and devices: something with sectors. NTFS writes to a Sectors and does not
// know whether an encrypted volume, a device, a file or memory is below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "status.h"

namespace diskferry {

class Sectors {
 public:
  virtual ~Sectors() = default;
  Sectors(const Sectors&) = delete;
  Sectors& operator=(const Sectors&) = delete;

  virtual uint64_t sizeBytes() const = 0;
  // 512 or 4096. Offsets and lengths below are multiples of it; anything else is refused with DEVICE_RANGE, as is a
  // range that leaves [0, sizeBytes).
  virtual uint32_t sectorBytes() const = 0;

  // Fills `into` whole or fails. Thread-safe. A device opened with O_DIRECT is fastest with 4096-aligned memory
  // (io/aligned_buffer.h); other memory works through a bounce buffer.
  virtual Status read(uint64_t offsetBytes, std::span<std::byte> into) = 0;
  // Writes all of `from` or fails; what is on the device after a failure is undefined in that range only. Thread-safe
  // for disjoint ranges.
  virtual Status write(uint64_t offsetBytes, std::span<const std::byte> from) = 0;
  // Returns when everything written before is on stable storage.
  virtual Status flush() = 0;

 protected:
  Sectors() = default;
};

}  // namespace diskferry
