// The boot sectors of exFAT, checked (Microsoft's exFAT specification, chapter 3).
#pragma once

#include <cstdint>

#include "filesystems/partition_sectors.h"

namespace diskferry::filesystems {

struct ExfatGeometry {
  uint32_t sectorBytes = 0;
  uint32_t clusterBytes = 0;
  uint64_t tableOffsetBytes = 0;  // of the table that is active
  uint64_t heapOffsetBytes = 0;   // of cluster 2
  uint32_t clusterCount = 0;
  uint32_t rootCluster = 0;
  uint32_t activeBitmap = 0;
  bool isDirty = false;
  bool hasFailed = false;

  bool isCluster(uint32_t number) const { return number >= 2 && number - 2 < clusterCount; }
  uint64_t clusterOffsetBytes(uint32_t number) const { return heapOffsetBytes + uint64_t{number - 2} * clusterBytes; }
};

Status readExfatGeometry(PartitionSectors& partition, ExfatGeometry& into);

}  // namespace diskferry::filesystems
