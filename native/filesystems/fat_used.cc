// What FAT uses: every cluster whose entry in the table is not zero, and all in front of the clusters.
#include <algorithm>
#include <cstring>
#include <string>

#include "filesystems/fat_geometry.h"
#include "filesystems/readers.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

// Whole entries of every kind.
constexpr uint64_t kPieceBytes = 3 << 18;
constexpr uint32_t kEntryMask = 0x0FFFFFFF;

uint32_t entryAt(const std::byte* table, uint64_t index, uint32_t bits) {
  if (bits == 32) return load32(table + 4 * index) & kEntryMask;
  if (bits == 16) return load16(table + 2 * index);
  uint32_t pair = load16(table + index * 3 / 2);
  return index % 2 == 0 ? pair & 0xFFF : pair >> 4;
}

void findState(const FatGeometry& geometry, const std::byte* table, UsedRanges& found) {
  // The second entry has two bits that are set while all is well; FAT12 has none.
  uint32_t marks = entryAt(table, 1, geometry.entryBits);
  uint32_t both = geometry.entryBits == 32 ? 0x0C000000 : geometry.entryBits == 16 ? 0xC000 : 0;
  if (geometry.isMarkedDirty || (marks & both) != both)
    suspect(found, VolumeState::dirty, "It is marked dirty: it was not unmounted, or errors were found in it.");
}

}  // namespace

Status readFat(PartitionSectors& partition, UsedRanges& found, RangeCollector& used) {
  found.fileSystem = "fat";
  AlignedBuffer sector(4096);
  if (partition.sizeBytes() < sector.size()) return distrust("It is too small.");
  DISKFERRY_TRY(partition.read(0, sector.bytes()));
  FatGeometry geometry;
  DISKFERRY_TRY(parseFatBootSector(sector.bytes(), partition.sizeBytes(), geometry));
  found.fileSystem = "fat" + std::to_string(geometry.entryBits);
  found.label = geometry.label;
  found.unitBytes = geometry.clusterBytes;
  used.add(0, geometry.dataOffsetBytes);

  const uint64_t entries = geometry.clusterCount + 2;
  const uint64_t wantedBytes = (entries * geometry.entryBits + 7) / 8;
  const uint64_t tableOffset = geometry.tableOffsetBytes + geometry.firstTable * geometry.tableBytes;
  const uint64_t perPiece = kPieceBytes * 8 / geometry.entryBits;
  AlignedBuffer piece(std::min(kPieceBytes, wantedBytes));
  AlignedBuffer copy(piece.size());
  for (uint64_t first = 0; first < entries; first += perPiece) {
    uint64_t offset = first * geometry.entryBits / 8;
    auto part = piece.bytes().first(std::min(kPieceBytes, wantedBytes - offset));
    DISKFERRY_TRY(partition.read(tableOffset + offset, part));
    for (uint32_t table = 1; geometry.isMirrored && table < geometry.tableCount; table++) {
      DISKFERRY_TRY(
          partition.read(tableOffset + table * geometry.tableBytes + offset, copy.bytes().first(part.size())));
      if (std::memcmp(part.data(), copy.data(), part.size()) != 0) return distrust("Its two tables differ.");
    }
    if (first == 0) findState(geometry, part.data(), found);
    uint64_t count = std::min(perPiece, entries - first);
    for (uint64_t index = first == 0 ? 2 : 0; index < count; index++) {
      if (entryAt(part.data(), index, geometry.entryBits) == 0) {
        if (first + index == geometry.rootCluster) return distrust("Its table calls the root directory free.");
        continue;
      }
      used.add(geometry.dataOffsetBytes + (first + index - 2) * geometry.clusterBytes, geometry.clusterBytes);
    }
  }
  uint64_t endBytes = geometry.dataOffsetBytes + geometry.clusterCount * geometry.clusterBytes;
  used.add(endBytes, ~uint64_t{0} - endBytes);
  return Status::ok();
}

}  // namespace diskferry::filesystems
