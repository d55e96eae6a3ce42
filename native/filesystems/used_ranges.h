// What a file system says is in use: the one result of every reader in this folder, and the list in which they collect
// it. A block that is wrongly called free is lost from an image, so every doubt means: all of it is in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "status.h"

namespace diskferry::filesystems {

struct ByteRange {
  uint64_t offsetBytes = 0;
  uint64_t lengthBytes = 0;
  uint64_t end() const { return offsetBytes + lengthBytes; }
};

// clean: what is in use can be believed. dirty: it was not closed properly, or errors are recorded in it.
// needsRecovery: its journal holds changes that are newer than its maps. unknown: not a file system that is known, or
// one that contradicts itself; then all of it counts as used.
enum class VolumeState { clean, dirty, needsRecovery, unknown };

struct UsedRanges {
  // "ext4", "ntfs", "fat32", …; empty when nothing was recognized. Also the names of what is recognized only to be left
  // alone, such as "luks".
  std::string fileSystem;
  std::string label;
  VolumeState state = VolumeState::clean;
  // A sentence, for every state but clean.
  std::string reason;
  // In what it counts free room.
  uint32_t unitBytes = 0;
  // From the start of the partition, ascending, disjoint, within it, none empty.
  std::vector<ByteRange> ranges;
};

// Ranges in any order, merged in the end. Its memory is bounded: with too many, small gaps count as used too.
class RangeCollector {
 public:
  static constexpr size_t kRangesMax = 1 << 20;

  // Everything is clipped to [0, limitBytes).
  explicit RangeCollector(uint64_t limitBytes, size_t rangesMax = kRangesMax)
      : limitBytes_(limitBytes), rangesMax_(rangesMax) {}

  // Any numbers: what would overflow ends at the limit.
  void add(uint64_t offsetBytes, uint64_t lengthBytes);
  // Bit n of `bits` stands for the unit at firstOffsetBytes + n * unitBytes. Returns how many of the first `bitCount`
  // are set. `bits` holds at least that many.
  uint64_t addSetBits(std::span<const std::byte> bits, uint64_t bitCount, uint64_t firstOffsetBytes,
                      uint64_t unitBytes);
  std::vector<ByteRange> take();

 private:
  void compact();
  void mergeNear();

  uint64_t limitBytes_;
  size_t rangesMax_;
  uint64_t gapBytes_ = 0;
  std::vector<ByteRange> ranges_;
};

// Why a file system is not believed. The code never leaves this folder: the message becomes UsedRanges::reason.
inline Status distrust(std::string why) { return Status(ErrorCode::DEVICE_UNSUPPORTED, std::move(why)); }

}  // namespace diskferry::filesystems
