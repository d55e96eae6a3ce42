// The superblock of XFS, checked ("XFS Algorithms & Data Structures", version 4 and 5 of the format).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "status.h"

namespace diskferry::filesystems {

struct XfsSuperblock {
  bool hasChecksums = false;  // version 5
  uint32_t blockBytes = 0;
  uint32_t sectorBytes = 0;
  uint64_t blockCount = 0;
  uint32_t groupBlocks = 0;
  uint32_t groupCount = 0;
  uint64_t logOffsetBytes = 0;  // 0: the journal is on another device
  uint64_t logBytes = 0;
  std::string label;

  // The last group may be shorter.
  uint64_t blocksOf(uint32_t group) const {
    uint64_t first = uint64_t{group} * groupBlocks;
    return blockCount - first < groupBlocks ? blockCount - first : groupBlocks;
  }
};

inline constexpr size_t kXfsSuperblockBytes = 512;

// `start` is the beginning of the partition, as long as the largest sector.
inline constexpr size_t kXfsSectorBytesMax = 32768;
Status parseXfsSuperblock(std::span<const std::byte> start, uint64_t partitionBytes, XfsSuperblock& into);

// Whether the CRC-32C of a version 5 structure is right; its field at `offset` counts as zero.
bool isXfsChecksumRight(std::span<const std::byte> bytes, size_t offset);

}  // namespace diskferry::filesystems
