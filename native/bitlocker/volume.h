// An unlocked BitLocker volume: the decrypted view as Sectors, and what the copy engine needs to write to it directly.
// The view maps [0, 8 KiB) to the header block and hides the metadata regions (they read as zeros; writes to them are
// dropped), as Windows and the open readers do.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "crypto/sector_cipher.h"
#include "sectors.h"

namespace diskferry::bitlocker {

inline constexpr uint64_t kMetadataBytes = 65536;
inline constexpr uint64_t kHeaderBytes = 8192;
inline constexpr uint64_t kExtraAreaBytes = 65536;

// Offsets in bytes from the start of the volume.
struct RegionOffsets {
  std::array<uint64_t, 3> metadata;
  uint64_t header;
  uint64_t extra;
};

class Volume final : public Sectors {
 public:
  // `device` outlives the volume. The volume is device[volumeOffsetBytes, +volumeBytes).
  Volume(std::shared_ptr<Sectors> device, uint64_t volumeOffsetBytes, uint64_t volumeBytes, RegionOffsets regions,
         CipherMethod method, std::shared_ptr<const SectorCipher> cipher);

  uint64_t sizeBytes() const override;
  uint32_t sectorBytes() const override;
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override;
  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override;
  Status flush() override;

  // For the engine: data that touches no region goes to device offset volumeOffsetBytes() + offset, encrypted by cipher().
  const std::shared_ptr<Sectors>& device() const;
  uint64_t volumeOffsetBytes() const;
  const std::shared_ptr<const SectorCipher>& cipher() const;
  CipherMethod method() const;
  const RegionOffsets& regions() const;
  // True when [offset, offset + length) meets the first 8 KiB or a hidden region.
  bool touchesRegion(uint64_t offsetBytes, uint64_t lengthBytes) const;
};

}  // namespace diskferry::bitlocker
