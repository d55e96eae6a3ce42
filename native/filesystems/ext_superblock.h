// The superblock of ext2, ext3 and ext4, checked (kernel documentation, "ext4 Data Structures and Algorithms").
// Everything else is found from these numbers, so each is bounded here.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "status.h"

namespace diskferry::filesystems {

inline constexpr uint64_t kExtSuperblockOffset = 1024;
inline constexpr size_t kExtSuperblockBytes = 1024;

enum ExtIncompatible : uint32_t {
  kExtFiletype = 0x2,
  kExtRecover = 0x4,
  kExtJournalDevice = 0x8,
  kExtMetaGroups = 0x10,
  kExtExtents = 0x40,
  kExt64Bit = 0x80,
  kExtMultiMount = 0x100,
  kExtFlexGroups = 0x200,
  kExtAttributeInode = 0x400,
  kExtChecksumSeed = 0x2000,
  kExtLargeDirectory = 0x4000,
  kExtInlineData = 0x8000,
  kExtEncrypt = 0x10000,
  kExtCaseFold = 0x20000,
};
enum ExtReadOnlyCompatible : uint32_t {
  kExtSparseSuper = 0x1,
  kExtGroupChecksums = 0x10,
  kExtBigClusters = 0x200,
  kExtMetadataChecksums = 0x400,
  kExtOrphansPresent = 0x10000,
};
enum ExtCompatible : uint32_t { kExtHasJournal = 0x4, kExtLazyGroups = 0x40, kExtSparseSuper2 = 0x200 };

struct ExtSuperblock {
  uint32_t compatible = 0, incompatible = 0, readOnlyCompatible = 0;
  uint32_t blockBytes = 0;
  uint64_t clusterBlocks = 1;
  uint64_t blockCount = 0;
  uint32_t firstDataBlock = 0;
  uint32_t groupBlocks = 0;
  uint32_t groupClusters = 0;
  uint32_t groupInodes = 0;
  uint32_t inodeBytes = 0;
  uint32_t descriptorBytes = 32;
  uint64_t groupCount = 0;
  uint32_t reservedDescriptorBlocks = 0;
  uint32_t firstMetaGroup = 0;
  uint32_t backupGroups[2] = {};
  uint16_t state = 0;
  uint32_t lastOrphan = 0;
  uint64_t multiMountBlock = 0;
  std::byte uuid[16] = {};
  uint32_t checksumSeed = 0;
  std::string label;

  bool isIncompatible(uint32_t feature) const { return (incompatible & feature) != 0; }
  bool isReadOnlyCompatible(uint32_t feature) const { return (readOnlyCompatible & feature) != 0; }
  bool hasGroupChecksums() const { return isReadOnlyCompatible(kExtGroupChecksums | kExtMetadataChecksums); }
  uint32_t descriptorsPerBlock() const { return blockBytes / descriptorBytes; }
  uint64_t descriptorBlocks() const { return (groupCount + descriptorsPerBlock() - 1) / descriptorsPerBlock(); }
  uint64_t groupStart(uint64_t group) const { return firstDataBlock + group * groupBlocks; }
  // Blocks of 1 KiB leave the first one to a boot loader, whatever the first data block is.
  uint64_t superblockBlock() const { return blockBytes == 1024 ? 1 : 0; }
  uint64_t inodeTableBlocks() const { return (uint64_t{groupInodes} * inodeBytes + blockBytes - 1) / blockBytes; }
  // "ext2", "ext3" or "ext4", by its features.
  const char* name() const;
  // Whether a copy of the superblock and of the descriptors begins this group.
  bool hasCopy(uint64_t group) const;
};

// `bytes` are the kExtSuperblockBytes of it, with the magic number checked.
Status parseExtSuperblock(std::span<const std::byte> bytes, uint64_t partitionBytes, ExtSuperblock& into);

}  // namespace diskferry::filesystems
