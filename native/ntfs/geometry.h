// The boot sector's numbers, checked. Everything else on the volume is found from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "status.h"

namespace diskferry::ntfs {

struct Geometry {
  uint32_t sectorBytes = 0;
  uint32_t clusterBytes = 0;
  uint32_t recordBytes = 0;
  uint32_t indexBytes = 0;
  uint64_t sectorCount = 0;  // without the backup boot sector that follows
  uint64_t clusterCount = 0;
  uint64_t mftLcn = 0;
  uint64_t mirrorLcn = 0;

  uint64_t backupBootOffsetBytes() const { return sectorCount * sectorBytes; }
  uint64_t volumeBytes() const { return (sectorCount + 1) * sectorBytes; }
  uint64_t clusterOffsetBytes(uint64_t lcn) const { return lcn * clusterBytes; }
  // Index blocks are numbered in clusters, or in 512 bytes when a cluster is larger than a block.
  uint32_t indexVcnBytes() const { return clusterBytes <= indexBytes ? clusterBytes : 512; }
};

// NTFS_DAMAGED when it is not an NTFS boot sector or contradicts itself, NTFS_UNSUPPORTED for sizes we do not handle.
// `sector` has at least 512 bytes.
Result<Geometry> parseBootSector(std::span<const std::byte> sector);

}  // namespace diskferry::ntfs
