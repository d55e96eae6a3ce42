// The boot sector of FAT12, FAT16 and FAT32, checked (Microsoft's FAT specification).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "status.h"

namespace diskferry::filesystems {

struct FatGeometry {
  uint32_t entryBits = 0;  // 12, 16 or 32
  uint32_t clusterBytes = 0;
  uint64_t tableOffsetBytes = 0;
  uint64_t tableBytes = 0;  // of one table
  uint32_t tableCount = 0;
  // FAT32 without mirroring uses one table only.
  uint32_t firstTable = 0;
  bool isMirrored = true;
  uint64_t dataOffsetBytes = 0;  // of cluster 2
  uint64_t clusterCount = 0;
  uint32_t rootCluster = 0;  // FAT32 only
  bool isMarkedDirty = false;
  std::string label;
};

// Whether this is a boot sector of FAT at all: other systems' boot code has no sensible numbers there.
bool looksLikeFat(std::span<const std::byte> sector);

// `sector` has at least 512 bytes and looks like FAT.
Status parseFatBootSector(std::span<const std::byte> sector, uint64_t partitionBytes, FatGeometry& into);

}  // namespace diskferry::filesystems
