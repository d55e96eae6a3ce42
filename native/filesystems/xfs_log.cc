// The journal is a ring of blocks of 512 bytes. Each begins with the number of the lap in which it was written, or with
// the head of a record, which has that number behind its magic. So the laps show where writing stopped.
#include "filesystems/xfs_log.h"

#include <algorithm>

#include "big_endian.h"

namespace diskferry::filesystems {

namespace {

constexpr uint64_t kBlockBytes = 512;
constexpr uint32_t kRecordMagic = 0xFEEDBABE;
constexpr uint32_t kRecordBytesMax = 256 * 1024;
constexpr uint32_t kHeadCoversBytes = 32768;
constexpr uint64_t kRecordBlocksMax =
    (kRecordBytesMax + kRecordBytesMax / kHeadCoversBytes * kBlockBytes) / kBlockBytes;
constexpr uint8_t kUnmountFlag = 0x20;

class LogReader {
 public:
  LogReader(PartitionSectors& partition, const XfsSuperblock& super)
      : partition_(partition), offsetBytes_(super.logOffsetBytes), blocks_(super.logBytes / kBlockBytes) {}

  Result<bool> endsWithUnmount() {
    if (offsetBytes_ == 0 || blocks_ <= kRecordBlocksMax) return false;
    uint32_t first = 0;
    uint32_t last = 0;
    DISKFERRY_TRY(readLap(0, first));
    DISKFERRY_TRY(readLap(blocks_ - 1, last));
    uint64_t head = blocks_;
    if (first != last) {
      if (first == 0 || last != first - 1) return false;
      DISKFERRY_TRY(findHead(first, head));
    }
    return isUnmountBefore(head);
  }

 private:
  Status readBlock(uint64_t block) { return partition_.read(offsetBytes_ + block * kBlockBytes, block_); }

  Status readLap(uint64_t block, uint32_t& lap) {
    DISKFERRY_TRY(readBlock(block));
    lap = loadBig32(block_);
    if (lap == kRecordMagic) lap = loadBig32(block_ + 4);
    return Status::ok();
  }

  // The first block that is not of this lap.
  Status findHead(uint32_t lap, uint64_t& head) {
    uint64_t low = 0;
    uint64_t high = blocks_ - 1;
    while (high - low > 1) {
      uint64_t middle = low + (high - low) / 2;
      uint32_t found = 0;
      DISKFERRY_TRY(readLap(middle, found));
      (found == lap ? low : high) = middle;
    }
    head = high;
    return Status::ok();
  }

  // The last record before `head` is one operation, an unmount, and ends there.
  Result<bool> isUnmountBefore(uint64_t head) {
    for (uint64_t back = 1; back <= kRecordBlocksMax; back++) {
      uint64_t start = (head + blocks_ - back) % blocks_;
      DISKFERRY_TRY(readBlock(start));
      if (loadBig32(block_) != kRecordMagic) continue;
      uint32_t version = loadBig32(block_ + 8);
      uint32_t lengthBytes = loadBig32(block_ + 12);
      uint32_t operations = loadBig32(block_ + 40);
      uint32_t sizeBytes = (version & 2) != 0 ? loadBig32(block_ + 320) : kHeadCoversBytes;
      if (lengthBytes == 0 || lengthBytes > kRecordBytesMax || sizeBytes > kRecordBytesMax) return false;
      uint64_t headBlocks = std::max<uint64_t>(1, (sizeBytes + kHeadCoversBytes - 1) / kHeadCoversBytes);
      uint64_t dataBlocks = (lengthBytes + kBlockBytes - 1) / kBlockBytes;
      if (operations != 1 || headBlocks + dataBlocks != back) return false;
      DISKFERRY_TRY(readBlock((start + headBlocks) % blocks_));
      return (static_cast<uint8_t>(block_[9]) & kUnmountFlag) != 0;
    }
    return false;
  }

  PartitionSectors& partition_;
  uint64_t offsetBytes_;
  uint64_t blocks_;
  std::byte block_[kBlockBytes] = {};
};

}  // namespace

Result<bool> isXfsLogClean(PartitionSectors& partition, const XfsSuperblock& super) {
  return LogReader(partition, super).endsWithUnmount();
}

}  // namespace diskferry::filesystems
