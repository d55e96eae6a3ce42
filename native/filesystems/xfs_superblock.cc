#include "filesystems/xfs_superblock.h"

#include <bit>

#include "big_endian.h"
#include "filesystems/used_ranges.h"
#include "hash/crc_small.h"

namespace diskferry::filesystems {

namespace {

// File types, sparse inodes, metadata UUID, big times, many extents, exchanged ranges, parent pointers.
constexpr uint32_t kKnownIncompatible = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80;
constexpr uint32_t kNeedsRepair = 0x10;
// Free inode, reverse mapping and reference count trees, inode counts.
constexpr uint32_t kKnownReadOnlyCompatible = 0x1 | 0x2 | 0x4 | 0x8;
constexpr size_t kChecksumOffset = 224;

bool isPower(uint32_t value, unsigned exponent, uint32_t low, uint32_t high) {
  return value >= low && value <= high && exponent < 32 && value == 1u << exponent;
}

Status checkFeatures(const std::byte* at) {
  uint32_t readOnly = loadBig32(at + 212) & ~kKnownReadOnlyCompatible;
  uint32_t incompatible = loadBig32(at + 216);
  if ((incompatible & kNeedsRepair) != 0) return distrust("It is marked as in need of repair.");
  incompatible &= ~kKnownIncompatible;
  if (readOnly == 0 && incompatible == 0) return Status::ok();
  return distrust("It has features that are not known here (incompatible " + std::to_string(incompatible) +
                  ", read-only compatible " + std::to_string(readOnly) + ").");
}

Status checkGeometry(const XfsSuperblock& super, unsigned groupPower, uint64_t partitionBytes) {
  bool isGood = super.groupCount > 0 && super.groupBlocks >= 16 && groupPower < 32 &&
                groupPower == static_cast<unsigned>(std::bit_width(super.groupBlocks - 1)) &&
                uint64_t{super.groupCount - 1} * super.groupBlocks < super.blockCount &&
                super.blockCount <= uint64_t{super.groupCount} * super.groupBlocks;
  if (!isGood) return distrust("The numbers of its superblock contradict each other.");
  if (super.blockCount > partitionBytes / super.blockBytes)
    return distrust("It claims " + std::to_string(super.blockCount) + " blocks of " + std::to_string(super.blockBytes) +
                    " bytes on " + std::to_string(partitionBytes) + " bytes.");
  return Status::ok();
}

}  // namespace

bool isXfsChecksumRight(std::span<const std::byte> bytes, size_t offset) {
  constexpr std::byte kNoChecksum[4] = {};
  uint32_t sum = crc32c(kNoChecksum, crc32c(bytes.first(offset), ~0u));
  return ~crc32c(bytes.subspan(offset + 4), sum) == load32(bytes.data() + offset);
}

Status parseXfsSuperblock(std::span<const std::byte> start, uint64_t partitionBytes, XfsSuperblock& into) {
  const std::byte* at = start.data();
  const char* name = reinterpret_cast<const char*>(at + 108);
  into.label = std::string(name, 12);
  into.label.resize(into.label.find('\0') == std::string::npos ? 12 : into.label.find('\0'));
  uint16_t version = loadBig16(at + 100) & 0xF;
  if (version != 4 && version != 5) return distrust("It is of version " + std::to_string(version) + ".");
  into.hasChecksums = version == 5;
  into.blockBytes = loadBig32(at + 4);
  into.sectorBytes = loadBig16(at + 102);
  if (!isPower(into.blockBytes, static_cast<unsigned>(at[120]), 512, 65536) ||
      !isPower(into.sectorBytes, static_cast<unsigned>(at[121]), 512, kXfsSectorBytesMax) ||
      into.sectorBytes > into.blockBytes || into.sectorBytes > start.size())
    return distrust("Its superblock names blocks of " + std::to_string(into.blockBytes) + " and sectors of " +
                    std::to_string(into.sectorBytes) + " bytes.");
  if (into.hasChecksums) {
    if (!isXfsChecksumRight(start.first(into.sectorBytes), kChecksumOffset))
      return distrust("The checksum of its superblock is wrong.");
    DISKFERRY_TRY(checkFeatures(at));
  }
  if (at[126] != std::byte{0}) return distrust("Its formatting was not finished.");
  into.blockCount = loadBig64(at + 8);
  into.groupBlocks = loadBig32(at + 84);
  into.groupCount = loadBig32(at + 88);
  auto groupPower = static_cast<unsigned>(at[124]);
  DISKFERRY_TRY(checkGeometry(into, groupPower, partitionBytes));
  uint64_t logStart = loadBig64(at + 48);
  uint64_t logBlocks = loadBig32(at + 96);
  uint64_t block = (logStart >> groupPower) * into.groupBlocks + (logStart & ((uint64_t{1} << groupPower) - 1));
  if (logStart >> groupPower >= into.groupCount || block >= into.blockCount || logBlocks > into.blockCount - block)
    return distrust("Its journal lies outside the volume.");
  into.logOffsetBytes = logStart == 0 ? 0 : block * into.blockBytes;
  into.logBytes = logBlocks * into.blockBytes;
  return Status::ok();
}

}  // namespace diskferry::filesystems
