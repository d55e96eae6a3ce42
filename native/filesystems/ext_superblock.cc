#include "filesystems/ext_superblock.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "filesystems/used_ranges.h"
#include "hash/crc_small.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

// Features whose meaning for free space is known: none, or what the group reader does.
constexpr uint32_t kKnownIncompatible = kExtFiletype | kExtRecover | kExtMetaGroups | kExtExtents | kExt64Bit |
                                        kExtMultiMount | kExtFlexGroups | kExtAttributeInode | kExtChecksumSeed |
                                        kExtLargeDirectory | kExtInlineData | kExtEncrypt | kExtCaseFold;
// Also large files, many links, quota, read-only, projects, shared blocks and verity. Not snapshots and replicas.
constexpr uint32_t kKnownReadOnlyCompatible =
    0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000;
constexpr uint32_t kExt4Incompatible = kExtExtents | kExt64Bit | kExtFlexGroups | kExtMultiMount;
constexpr uint32_t kExt4ReadOnlyCompatible = 0x8 | 0x10 | 0x20 | 0x40 | 0x200 | 0x400;

bool isPowerOf(uint64_t value, uint64_t base) {
  while (value % base == 0 && value > 1) value /= base;
  return value == 1;
}

std::string textOf(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

Status checkFeatures(const ExtSuperblock& super) {
  if (super.isIncompatible(kExtJournalDevice)) return distrust("It is the journal of another ext file system.");
  uint32_t incompatible = super.incompatible & ~kKnownIncompatible;
  uint32_t readOnly = super.readOnlyCompatible & ~kKnownReadOnlyCompatible;
  if (incompatible != 0 || readOnly != 0 || (super.compatible & kExtLazyGroups) != 0)
    return distrust("It has features that are not known here (incompatible " + std::to_string(incompatible) +
                    ", read-only compatible " + std::to_string(readOnly) + ").");
  return Status::ok();
}

Status checkGeometry(const ExtSuperblock& super, uint32_t inodeCount, uint64_t partitionBytes) {
  bool hasBigClusters = super.isReadOnlyCompatible(kExtBigClusters);
  uint64_t bits = uint64_t{8} * super.blockBytes;
  bool isGood =
      super.groupBlocks > 0 && super.groupClusters > 0 && super.groupClusters % 8 == 0 && super.groupClusters <= bits &&
      super.groupInodes > 0 && super.groupInodes <= bits && std::has_single_bit(super.inodeBytes) &&
      super.inodeBytes >= 128 && super.inodeBytes <= super.blockBytes &&
      super.groupBlocks == super.groupClusters * super.clusterBlocks && (hasBigClusters || super.clusterBlocks == 1) &&
      super.firstDataBlock <= super.superblockBlock() && std::has_single_bit(super.descriptorBytes) &&
      super.descriptorBytes >= 32 && super.descriptorBytes <= std::min<uint32_t>(1024, super.blockBytes);
  if (!isGood) return distrust("The numbers of its superblock contradict each other.");
  if (super.blockCount <= super.firstDataBlock || super.blockCount > partitionBytes / super.blockBytes)
    return distrust("It claims " + std::to_string(super.blockCount) + " blocks of " + std::to_string(super.blockBytes) +
                    " bytes on " + std::to_string(partitionBytes) + " bytes.");
  if (super.groupCount * super.groupInodes != inodeCount)
    return distrust("It claims " + std::to_string(inodeCount) + " inodes in " + std::to_string(super.groupCount) +
                    " groups of " + std::to_string(super.groupInodes) + ".");
  return Status::ok();
}

}  // namespace

const char* ExtSuperblock::name() const {
  if (isIncompatible(kExt4Incompatible) || isReadOnlyCompatible(kExt4ReadOnlyCompatible)) return "ext4";
  return (compatible & kExtHasJournal) != 0 ? "ext3" : "ext2";
}

bool ExtSuperblock::hasCopy(uint64_t group) const {
  if (group == 0) return true;
  if ((compatible & kExtSparseSuper2) != 0) return group == backupGroups[0] || group == backupGroups[1];
  if (!isReadOnlyCompatible(kExtSparseSuper) || group == 1) return true;
  return isPowerOf(group, 3) || isPowerOf(group, 5) || isPowerOf(group, 7);
}

Status parseExtSuperblock(std::span<const std::byte> bytes, uint64_t partitionBytes, ExtSuperblock& into) {
  const std::byte* at = bytes.data();
  bool isFirstRevision = load32(at + 0x4C) == 0;
  if (!isFirstRevision) {
    into.compatible = load32(at + 0x5C);
    into.incompatible = load32(at + 0x60);
    into.readOnlyCompatible = load32(at + 0x64);
  }
  into.label = textOf(bytes.subspan(0x78, 16));
  DISKFERRY_TRY(checkFeatures(into));
  uint32_t blockPower = load32(at + 0x18);
  uint32_t clusterPower = load32(at + 0x1C);
  if (blockPower > 6 || clusterPower < blockPower || clusterPower > 29)
    return distrust("Its superblock names blocks of 1 KiB times two to the power of " + std::to_string(blockPower) +
                    ".");
  into.blockBytes = 1024u << blockPower;
  into.clusterBlocks = uint64_t{1} << (clusterPower - blockPower);
  into.blockCount = load32(at + 0x4);
  into.firstDataBlock = load32(at + 0x14);
  into.groupBlocks = load32(at + 0x20);
  into.groupClusters = load32(at + 0x24);
  into.groupInodes = load32(at + 0x28);
  into.state = load16(at + 0x3A);
  into.inodeBytes = isFirstRevision ? 128 : load16(at + 0x58);
  std::memcpy(into.uuid, at + 0x68, sizeof into.uuid);
  into.reservedDescriptorBlocks = load16(at + 0xCE);
  into.lastOrphan = load32(at + 0xE8);
  if (into.isIncompatible(kExt64Bit)) {
    into.blockCount |= uint64_t{load32(at + 0x150)} << 32;
    into.descriptorBytes = load16(at + 0xFE);
    if (into.descriptorBytes < 64) return distrust("Its superblock has a wrong size of group descriptors.");
  }
  into.firstMetaGroup = load32(at + 0x104);
  into.multiMountBlock = load64(at + 0x168);
  into.backupGroups[0] = load32(at + 0x24C);
  into.backupGroups[1] = load32(at + 0x250);
  into.groupCount = into.groupBlocks == 0 || into.blockCount <= into.firstDataBlock
                        ? 0
                        : (into.blockCount - into.firstDataBlock + into.groupBlocks - 1) / into.groupBlocks;
  DISKFERRY_TRY(checkGeometry(into, load32(at), partitionBytes));
  if (!into.isReadOnlyCompatible(kExtMetadataChecksums)) return Status::ok();
  into.checksumSeed = into.isIncompatible(kExtChecksumSeed) ? load32(at + 0x270) : crc32c(into.uuid, ~0u);
  if (crc32c(bytes.first(0x3FC), ~0u) != load32(at + 0x3FC))
    return distrust("The checksum of its superblock is wrong.");
  return Status::ok();
}

}  // namespace diskferry::filesystems
