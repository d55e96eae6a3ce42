#include "filesystems/fat_geometry.h"

#include <bit>

#include "filesystems/used_ranges.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

constexpr uint64_t kFat12ClustersMax = 4084;
constexpr uint64_t kFat16ClustersMax = 65524;
constexpr uint64_t kFat32ClustersMax = 0x0FFFFFF5;
constexpr uint8_t kExtendedFields = 0x29;

uint8_t byteAt(std::span<const std::byte> sector, size_t offset) { return static_cast<uint8_t>(sector[offset]); }

}  // namespace

bool looksLikeFat(std::span<const std::byte> sector) {
  uint32_t sectorBytes = load16(sector.data() + 11);
  uint8_t media = byteAt(sector, 21);
  uint8_t tables = byteAt(sector, 16);
  return load16(sector.data() + 510) == 0xAA55 && std::has_single_bit(sectorBytes) && sectorBytes >= 512 &&
         sectorBytes <= 4096 && std::has_single_bit(byteAt(sector, 13)) && load16(sector.data() + 14) > 0 &&
         (tables == 1 || tables == 2) && (media == 0xF0 || media >= 0xF8);
}

Status parseFatBootSector(std::span<const std::byte> sector, uint64_t partitionBytes, FatGeometry& into) {
  const std::byte* boot = sector.data();
  uint64_t sectorBytes = load16(boot + 11);
  uint64_t reserved = load16(boot + 14);
  uint64_t rootSectors = (load16(boot + 17) * uint64_t{32} + sectorBytes - 1) / sectorBytes;
  uint64_t sectors = load16(boot + 19) != 0 ? load16(boot + 19) : load32(boot + 32);
  bool isFat32 = load16(boot + 22) == 0;
  uint64_t tableSectors = isFat32 ? load32(boot + 36) : load16(boot + 22);
  into.clusterBytes = static_cast<uint32_t>(byteAt(sector, 13) * sectorBytes);
  into.tableCount = byteAt(sector, 16);
  into.tableOffsetBytes = reserved * sectorBytes;
  into.tableBytes = tableSectors * sectorBytes;
  uint64_t dataSector = reserved + into.tableCount * tableSectors + rootSectors;
  into.dataOffsetBytes = dataSector * sectorBytes;
  if (sectors > partitionBytes / sectorBytes)
    return distrust("It claims " + std::to_string(sectors) + " sectors of " + std::to_string(sectorBytes) +
                    " bytes on " + std::to_string(partitionBytes) + " bytes.");
  if (tableSectors == 0 || dataSector >= sectors || isFat32 != (rootSectors == 0))
    return distrust("The numbers of its boot sector contradict each other.");
  into.clusterCount = (sectors - dataSector) / byteAt(sector, 13);
  into.entryBits = isFat32 ? 32 : into.clusterCount > kFat12ClustersMax ? 16 : 12;
  uint64_t most = isFat32 ? kFat32ClustersMax : kFat16ClustersMax;
  if (into.clusterCount == 0 || into.clusterCount > most ||
      (into.clusterCount + 2) * into.entryBits > into.tableBytes * 8)
    return distrust("It has " + std::to_string(into.clusterCount) + " clusters and tables of " +
                    std::to_string(into.tableBytes) + " bytes.");
  size_t extended = isFat32 ? 64 : 36;
  into.isMarkedDirty = (byteAt(sector, extended + 1) & 3) != 0;
  if (byteAt(sector, extended + 2) == kExtendedFields) {
    into.label.assign(reinterpret_cast<const char*>(boot + extended + 7), 11);
    into.label.resize(into.label.find_last_not_of(' ') + 1);
    if (into.label == "NO NAME") into.label.clear();
  }
  if (!isFat32) return Status::ok();
  if (load16(boot + 42) != 0) return distrust("It is of an unknown version of FAT32.");
  into.rootCluster = load32(boot + 44);
  if (into.rootCluster < 2 || into.rootCluster - 2 >= into.clusterCount)
    return distrust("Its root directory lies outside the volume.");
  into.isMirrored = (load16(boot + 40) & 0x80) == 0;
  into.firstTable = into.isMirrored ? 0 : load16(boot + 40) & 0xF;
  if (into.firstTable >= into.tableCount) return distrust("Its active table does not exist.");
  return Status::ok();
}

}  // namespace diskferry::filesystems
