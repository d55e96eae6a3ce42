// What XFS uses: all that is not in the tree of free space of an allocation group, ordered by block.
#include <string>

#include "big_endian.h"
#include "filesystems/readers.h"
#include "filesystems/xfs_log.h"
#include "filesystems/xfs_superblock.h"
#include "io/aligned_buffer.h"

namespace diskferry::filesystems {

namespace {

constexpr uint32_t kGroupMagic = 0x58414746;   // XAGF
constexpr uint32_t kTreeMagic = 0x41425442;    // ABTB
constexpr uint32_t kTreeMagicV5 = 0x41423342;  // AB3B
constexpr size_t kGroupChecksumOffset = 216;
constexpr size_t kTreeChecksumOffset = 52;
constexpr uint32_t kLevelsMax = 9;

class GroupReader {
 public:
  GroupReader(PartitionSectors& partition, const XfsSuperblock& super, uint32_t group, RangeCollector& used)
      : partition_(partition),
        super_(super),
        group_(group),
        used_(used),
        startBlock_(uint64_t{group} * super.groupBlocks),
        headBytes_(super.hasChecksums ? 56 : 16),
        name_("group " + std::to_string(group)) {}

  Status read() {
    AlignedBuffer sector(super_.sectorBytes);
    DISKFERRY_TRY(partition_.read(startBlock_ * super_.blockBytes + super_.sectorBytes, sector.bytes()));
    const std::byte* at = sector.data();
    uint32_t levels = loadBig32(at + 28);
    if (super_.hasChecksums && !isXfsChecksumRight(sector.bytes(), kGroupChecksumOffset))
      return distrust("The checksum of the head of " + name_ + " is wrong.");
    if (loadBig32(at) != kGroupMagic || loadBig32(at + 4) != 1 || loadBig32(at + 8) != group_ ||
        loadBig32(at + 12) != super_.blocksOf(group_) || levels == 0 || levels > kLevelsMax)
      return distrust("The head of " + name_ + " contradicts the superblock.");
    DISKFERRY_TRY(readNode(loadBig32(at + 16), levels - 1, true));
    addUsed(super_.blocksOf(group_));
    if (freeBlocks_ != loadBig32(at + 52))
      return distrust("The tree of free space of " + name_ + " has " + std::to_string(freeBlocks_) +
                      " blocks, its head says " + std::to_string(loadBig32(at + 52)) + ".");
    return Status::ok();
  }

 private:
  // Blocks of the group from the end of the last free range up to here are in use.
  void addUsed(uint64_t untilBlock) {
    used_.add((startBlock_ + next_) * super_.blockBytes, (untilBlock - next_) * super_.blockBytes);
  }

  // Ends: the level falls with each step, and every leaf must continue behind the one before.
  Status readNode(uint32_t block, uint32_t level, bool isRoot) {
    if (block == 0 || block >= super_.blocksOf(group_)) return damagedTree();
    AlignedBuffer node(super_.blockBytes);
    uint64_t offsetBytes = (startBlock_ + block) * super_.blockBytes;
    DISKFERRY_TRY(partition_.read(offsetBytes, node.bytes()));
    const std::byte* at = node.data();
    uint32_t count = loadBig16(at + 6);
    size_t recordBytes = level == 0 ? 8 : 12;
    size_t countMax = (super_.blockBytes - headBytes_) / recordBytes;
    if (loadBig32(at) != (super_.hasChecksums ? kTreeMagicV5 : kTreeMagic) || loadBig16(at + 4) != level ||
        count > countMax || (count == 0 && !(isRoot && level == 0)))
      return damagedTree();
    if (super_.hasChecksums && (!isXfsChecksumRight(node.bytes(), kTreeChecksumOffset) ||
                                loadBig64(at + 16) != offsetBytes / 512 || loadBig32(at + 48) != group_))
      return damagedTree();
    if (level == 0) return readRecords(at + headBytes_, count);
    const std::byte* pointers = at + headBytes_ + countMax * 8;
    for (uint32_t index = 0; index < count; index++)
      DISKFERRY_TRY(readNode(loadBig32(pointers + 4 * index), level - 1, false));
    return Status::ok();
  }

  Status readRecords(const std::byte* records, uint32_t count) {
    for (uint32_t index = 0; index < count; index++) {
      uint64_t start = loadBig32(records + 8 * index);
      uint64_t length = loadBig32(records + 8 * index + 4);
      if (start < next_ || length == 0 || start + length > super_.blocksOf(group_)) return damagedTree();
      addUsed(start);
      next_ = start + length;
      freeBlocks_ += length;
    }
    return Status::ok();
  }

  Status damagedTree() const { return distrust("The tree of free space of " + name_ + " is damaged."); }

  PartitionSectors& partition_;
  const XfsSuperblock& super_;
  uint32_t group_;
  RangeCollector& used_;
  uint64_t startBlock_;
  size_t headBytes_;
  std::string name_;
  uint64_t next_ = 0;
  uint64_t freeBlocks_ = 0;
};

}  // namespace

Status readXfs(PartitionSectors& partition, UsedRanges& found, RangeCollector& used) {
  found.fileSystem = "xfs";
  AlignedBuffer start(kXfsSectorBytesMax);
  if (partition.sizeBytes() < start.size()) return distrust("It is too small.");
  DISKFERRY_TRY(partition.read(0, start.bytes()));
  XfsSuperblock super;
  Status parsed = parseXfsSuperblock(start.bytes(), partition.sizeBytes(), super);
  found.label = super.label;
  if (!parsed.isOk()) return parsed;
  found.unitBytes = super.blockBytes;
  if (super.logOffsetBytes == 0) return distrust("Its journal is on another device.");
  Result<bool> isClean = isXfsLogClean(partition, super);
  if (!isClean.isOk()) return isClean.status();
  if (!isClean.value())
    suspect(found, VolumeState::needsRecovery,
            "Its journal has not been replayed: it is mounted, or was not unmounted.");
  for (uint32_t group = 0; group < super.groupCount; group++)
    DISKFERRY_TRY(GroupReader(partition, super, group, used).read());
  uint64_t endBytes = super.blockCount * super.blockBytes;
  used.add(endBytes, ~uint64_t{0} - endBytes);
  return Status::ok();
}

}  // namespace diskferry::filesystems
