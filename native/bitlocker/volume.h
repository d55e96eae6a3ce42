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
  uint64_t extra;  // 0: none, as on volumes made by Windows 7
  // Length of the header block, which is also the length of the relocated start. Other than 8 KiB only on BitLocker To
  // Go volumes, whose plain discovery volume may fill megabytes.
  uint64_t headerBytes = kHeaderBytes;
};

class Volume final : public Sectors {
 public:
  // The volume is device[volumeOffsetBytes, +volumeBytes). All values have been checked: regions lie inside the volume,
  // on its sectors, and do not overlap.
  Volume(std::shared_ptr<Sectors> device, uint64_t volumeOffsetBytes, uint64_t volumeBytes, uint32_t sectorBytes,
         RegionOffsets regions, CipherMethod method, std::shared_ptr<const SectorCipher> cipher);

  uint64_t sizeBytes() const override { return volumeBytes_; }
  uint32_t sectorBytes() const override { return sectorBytes_; }
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override;
  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override;
  Status flush() override;

  // For the engine: data that touches no region goes to device offset volumeOffsetBytes() + offset, encrypted by
  // cipher() with the offset from the start of the volume.
  const std::shared_ptr<Sectors>& device() const { return device_; }
  uint64_t volumeOffsetBytes() const { return volumeOffsetBytes_; }
  const std::shared_ptr<const SectorCipher>& cipher() const { return cipher_; }
  CipherMethod method() const { return method_; }
  const RegionOffsets& regions() const { return regions_; }
  // True when [offset, offset + length) meets the relocated start (the first 8 KiB) or a hidden region. The extra area
  // is ordinary encrypted data and does not count.
  bool touchesRegion(uint64_t offsetBytes, uint64_t lengthBytes) const;

 private:
  struct Range {
    uint64_t offsetBytes;
    uint64_t lengthBytes;
  };
  struct Piece {
    bool isHidden;
    uint64_t storedOffsetBytes;  // where it lies on the volume
    uint64_t lengthBytes;
  };

  Status checkRange(uint64_t offsetBytes, uint64_t lengthBytes) const;
  Piece pieceAt(uint64_t offsetBytes, uint64_t lengthBytes) const;

  std::shared_ptr<Sectors> device_;
  uint64_t volumeOffsetBytes_;
  uint64_t volumeBytes_;
  uint32_t sectorBytes_;
  RegionOffsets regions_;
  CipherMethod method_;
  std::shared_ptr<const SectorCipher> cipher_;
  std::array<Range, 4> hidden_;  // by offset
};

}  // namespace diskferry::bitlocker
