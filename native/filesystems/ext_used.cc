// What ext2, ext3 and ext4 use: the bitmaps of their groups, and the metadata of every group whatever its bitmap says,
// because groups that were never used have none on the disk.
#include <algorithm>
#include <string>

#include "filesystems/ext_groups.h"
#include "filesystems/readers.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

constexpr uint16_t kClosedProperly = 1;
constexpr uint16_t kHasErrors = 2;
constexpr uint64_t kBitmapsAtOnceBytes = 1 << 20;
constexpr uint32_t kMultiMountMagic = 0x004D4D50;
constexpr uint32_t kMultiMountClean = 0xFF4D4D50;

Status findState(PartitionSectors& partition, const ExtSuperblock& super, UsedRanges& found) {
  if (super.isIncompatible(kExtRecover))
    suspect(found, VolumeState::needsRecovery,
            "Its journal has not been replayed: it is mounted, or was not unmounted.");
  if ((super.state & kClosedProperly) == 0) suspect(found, VolumeState::dirty, "It was not unmounted.");
  if ((super.state & kHasErrors) != 0) suspect(found, VolumeState::dirty, "Errors were found in it and not repaired.");
  if (super.lastOrphan != 0 || super.isReadOnlyCompatible(kExtOrphansPresent))
    suspect(found, VolumeState::dirty, "It holds deleted files that are not cleaned up.");
  if (!super.isIncompatible(kExtMultiMount)) return Status::ok();
  if (super.multiMountBlock == 0 || super.multiMountBlock >= super.blockCount)
    return distrust("Its block against double mounts lies outside the volume.");
  std::byte block[8];
  DISKFERRY_TRY(partition.read(super.multiMountBlock * super.blockBytes, block));
  if (load32(block) != kMultiMountMagic || load32(block + 4) != kMultiMountClean)
    suspect(found, VolumeState::dirty, "It is mounted by another system, or was not unmounted there.");
  return Status::ok();
}

class UsedBlocks {
 public:
  UsedBlocks(PartitionSectors& partition, const ExtSuperblock& super, RangeCollector& used)
      : partition_(partition), super_(super), used_(used) {}

  Status add() {
    used_.add(0, std::max(kExtSuperblockOffset + kExtSuperblockBytes,
                          (super_.superblockBlock() + 1) * uint64_t{super_.blockBytes}));
    uint64_t endBytes = super_.blockCount * super_.blockBytes;
    used_.add(endBytes, ~uint64_t{0} - endBytes);
    std::vector<ExtGroup> groups;
    for (uint64_t block = 0; block < super_.descriptorBlocks(); block++) {
      DISKFERRY_TRY(readExtGroups(partition_, super_, block, groups));
      for (const ExtGroup& group : groups) addMetadata(group);
      for (size_t first = 0; first < groups.size();) {
        size_t count = neighbours(groups, first);
        if (!groups[first].hasNoBitmap) DISKFERRY_TRY(addBitmaps({groups.data() + first, count}));
        first += count;
      }
    }
    return Status::ok();
  }

 private:
  void addBlocks(uint64_t first, uint64_t count) { used_.add(first * super_.blockBytes, count * super_.blockBytes); }

  void addMetadata(const ExtGroup& group) {
    addBlocks(group.blockBitmap, 1);
    addBlocks(group.inodeBitmap, 1);
    addBlocks(group.inodeTable, super_.inodeTableBlocks());
    uint64_t start = group.number == 0 ? super_.superblockBlock() : super_.groupStart(group.number);
    uint64_t copied = super_.descriptorBlocks();
    if (super_.isIncompatible(kExtMetaGroups)) {
      copied = std::min<uint64_t>(copied, super_.firstMetaGroup);
      // One of its first two groups or its last: a superblock may be there, and one block of descriptors.
      uint64_t position = group.number % super_.descriptorsPerBlock();
      if (position <= 1 || position + 1 == super_.descriptorsPerBlock()) addBlocks(start, 2);
    }
    if (super_.hasCopy(group.number)) addBlocks(start, 1 + copied + super_.reservedDescriptorBlocks);
  }

  // How many groups from `first` on have their bitmaps side by side.
  size_t neighbours(const std::vector<ExtGroup>& groups, size_t first) const {
    size_t limit = std::max<uint64_t>(1, kBitmapsAtOnceBytes / super_.blockBytes);
    size_t count = 1;
    while (first + count < groups.size() && count < limit && !groups[first].hasNoBitmap &&
           !groups[first + count].hasNoBitmap && groups[first + count].blockBitmap == groups[first].blockBitmap + count)
      count++;
    return count;
  }

  Status addBitmaps(std::span<const ExtGroup> groups) {
    AlignedBuffer bitmaps(groups.size() * super_.blockBytes);
    DISKFERRY_TRY(partition_.read(groups[0].blockBitmap * super_.blockBytes, bitmaps.bytes()));
    for (size_t index = 0; index < groups.size(); index++) {
      const ExtGroup& group = groups[index];
      auto bitmap = std::span<const std::byte>(bitmaps.bytes()).subspan(index * super_.blockBytes, super_.blockBytes);
      std::string name = "The block bitmap of group " + std::to_string(group.number);
      if (super_.isReadOnlyCompatible(kExtMetadataChecksums) &&
          extBitmapChecksum(super_, bitmap) != group.bitmapChecksum)
        return distrust(name + " has a wrong checksum.");
      uint64_t clusters = extGroupClusters(super_, group.number);
      uint64_t clusterBytes = super_.clusterBlocks * super_.blockBytes;
      uint64_t set =
          used_.addSetBits(bitmap, clusters, super_.groupStart(group.number) * super_.blockBytes, clusterBytes);
      if (clusters - set != group.freeClusters)
        return distrust(name + " has " + std::to_string(clusters - set) + " free clusters, its descriptor says " +
                        std::to_string(group.freeClusters) + ".");
    }
    return Status::ok();
  }

  PartitionSectors& partition_;
  const ExtSuperblock& super_;
  RangeCollector& used_;
};

}  // namespace

Status readExt(PartitionSectors& partition, UsedRanges& found, RangeCollector& used) {
  std::byte bytes[kExtSuperblockBytes];
  DISKFERRY_TRY(partition.read(kExtSuperblockOffset, bytes));
  ExtSuperblock super;
  Status parsed = parseExtSuperblock(bytes, partition.sizeBytes(), super);
  found.fileSystem = super.name();
  found.label = super.label;
  if (!parsed.isOk()) return parsed;
  found.unitBytes = static_cast<uint32_t>(std::min<uint64_t>(super.clusterBlocks * super.blockBytes, 1u << 31));
  DISKFERRY_TRY(findState(partition, super, found));
  return UsedBlocks(partition, super, used).add();
}

}  // namespace diskferry::filesystems
