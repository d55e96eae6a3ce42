// The descriptors of ext's block groups: where each has its bitmaps and its inodes, checked against the volume.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "filesystems/ext_superblock.h"
#include "filesystems/partition_sectors.h"

namespace diskferry::filesystems {

struct ExtGroup {
  static constexpr uint16_t kBlockBitmapUnused = 2;

  uint64_t number = 0;
  uint64_t blockBitmap = 0;
  uint64_t inodeBitmap = 0;
  uint64_t inodeTable = 0;
  uint32_t freeClusters = 0;
  uint32_t bitmapChecksum = 0;
  // Its bitmap is not on the disk: nothing but metadata lies in it.
  bool hasNoBitmap = false;
};

// The groups whose descriptors are in the given block of descriptors. Replaces `into`.
Status readExtGroups(PartitionSectors& partition, const ExtSuperblock& super, uint64_t descriptorBlock,
                     std::vector<ExtGroup>& into);

// How many clusters a group has; the last one may be shorter.
uint64_t extGroupClusters(const ExtSuperblock& super, uint64_t group);

// The checksum of a bitmap as descriptors keep it.
uint32_t extBitmapChecksum(const ExtSuperblock& super, std::span<const std::byte> bitmap);

}  // namespace diskferry::filesystems
