#include "filesystems/ext_groups.h"

#include <algorithm>
#include <string>

#include "filesystems/used_ranges.h"
#include "hash/crc_small.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

constexpr size_t kChecksumOffset = 0x1E;
constexpr uint32_t kWideDescriptorBytes = 64;

uint64_t descriptorBlockPlace(const ExtSuperblock& super, uint64_t index) {
  if (!super.isIncompatible(kExtMetaGroups) || index < super.firstMetaGroup) return super.superblockBlock() + 1 + index;
  uint64_t group = index * super.descriptorsPerBlock();
  uint64_t start = group == 0 ? super.superblockBlock() : super.groupStart(group);
  return start + (super.hasCopy(group) ? 1 : 0);
}

uint16_t checksumOf(const ExtSuperblock& super, uint64_t number, std::span<const std::byte> descriptor) {
  std::byte group[4];
  store32(group, static_cast<uint32_t>(number));
  constexpr std::byte kNoChecksum[2] = {};
  auto head = descriptor.first(kChecksumOffset);
  auto tail = descriptor.subspan(kChecksumOffset + 2);
  if (super.isReadOnlyCompatible(kExtMetadataChecksums)) {
    uint32_t sum = crc32c(head, crc32c(group, super.checksumSeed));
    return static_cast<uint16_t>(crc32c(tail, crc32c(kNoChecksum, sum)));
  }
  return crc16(tail, crc16(head, crc16(group, crc16(super.uuid, 0xFFFF))));
}

Status parseGroup(const ExtSuperblock& super, uint64_t number, std::span<const std::byte> descriptor, ExtGroup& into) {
  const std::byte* at = descriptor.data();
  bool isWide = super.descriptorBytes >= kWideDescriptorBytes;
  auto wide = [&](size_t low, size_t high) {
    return load32(at + low) | (isWide ? uint64_t{load32(at + high)} << 32 : 0);
  };
  std::string name = "group " + std::to_string(number);
  if (super.hasGroupChecksums() && checksumOf(super, number, descriptor) != load16(at + kChecksumOffset))
    return distrust("The checksum of the descriptor of " + name + " is wrong.");
  into.number = number;
  into.blockBitmap = wide(0x0, 0x20);
  into.inodeBitmap = wide(0x4, 0x24);
  into.inodeTable = wide(0x8, 0x28);
  into.freeClusters = load16(at + 0xC) | (isWide ? uint32_t{load16(at + 0x2C)} << 16 : 0);
  into.bitmapChecksum = load16(at + 0x18) | (isWide ? uint32_t{load16(at + 0x38)} << 16 : 0);
  // Without checksums the flag is not defined.
  into.hasNoBitmap = super.hasGroupChecksums() && (load16(at + 0x12) & ExtGroup::kBlockBitmapUnused) != 0;
  auto lies = [&](uint64_t block, uint64_t count) {
    return block >= super.firstDataBlock && block < super.blockCount && count <= super.blockCount - block;
  };
  if (!lies(into.blockBitmap, 1) || !lies(into.inodeBitmap, 1) || !lies(into.inodeTable, super.inodeTableBlocks()) ||
      into.freeClusters > extGroupClusters(super, number))
    return distrust("The descriptor of " + name + " points outside the volume.");
  return Status::ok();
}

}  // namespace

uint64_t extGroupClusters(const ExtSuperblock& super, uint64_t group) {
  uint64_t blocks = std::min<uint64_t>(super.groupBlocks, super.blockCount - super.groupStart(group));
  return (blocks + super.clusterBlocks - 1) / super.clusterBlocks;
}

uint32_t extBitmapChecksum(const ExtSuperblock& super, std::span<const std::byte> bitmap) {
  uint32_t sum = crc32c(bitmap.first(super.groupClusters / 8), super.checksumSeed);
  return super.descriptorBytes >= kWideDescriptorBytes ? sum : sum & 0xFFFF;
}

Status readExtGroups(PartitionSectors& partition, const ExtSuperblock& super, uint64_t descriptorBlock,
                     std::vector<ExtGroup>& into) {
  into.clear();
  uint64_t place = descriptorBlockPlace(super, descriptorBlock);
  if (place >= super.blockCount) return distrust("Its group descriptors lie outside the volume.");
  AlignedBuffer block(super.blockBytes);
  DISKFERRY_TRY(partition.read(place * super.blockBytes, block.bytes()));
  uint64_t first = descriptorBlock * super.descriptorsPerBlock();
  uint64_t count = std::min<uint64_t>(super.descriptorsPerBlock(), super.groupCount - first);
  for (uint64_t index = 0; index < count; index++) {
    auto descriptor = block.bytes().subspan(index * super.descriptorBytes, super.descriptorBytes);
    DISKFERRY_TRY(parseGroup(super, first + index, descriptor, into.emplace_back()));
  }
  return Status::ok();
}

}  // namespace diskferry::filesystems
