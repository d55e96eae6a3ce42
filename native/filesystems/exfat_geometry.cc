#include "filesystems/exfat_geometry.h"

#include <string>
#include <vector>

#include "filesystems/used_ranges.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

constexpr size_t kSummedSectors = 11;
constexpr uint16_t kSecondIsActive = 1;
constexpr uint16_t kVolumeDirty = 2;
constexpr uint16_t kMediaFailure = 4;

// Of all bytes but the flags and the percentage, which change without it.
uint32_t bootChecksum(std::span<const std::byte> sectors) {
  uint32_t sum = 0;
  for (size_t at = 0; at < sectors.size(); at++)
    if (at != 106 && at != 107 && at != 112) sum = (sum << 31 | sum >> 1) + static_cast<uint32_t>(sectors[at]);
  return sum;
}

}  // namespace

Status readExfatGeometry(PartitionSectors& partition, ExfatGeometry& into) {
  std::byte boot[512];
  DISKFERRY_TRY(partition.read(0, boot));
  auto sectorPower = static_cast<unsigned>(boot[108]);
  auto clusterPower = static_cast<unsigned>(boot[109]);
  auto tableCount = static_cast<unsigned>(boot[110]);
  if (sectorPower < 9 || sectorPower > 12 || clusterPower > 25 - sectorPower || tableCount < 1 || tableCount > 2 ||
      load16(boot + 510) != 0xAA55 || static_cast<unsigned>(boot[105]) != 1)
    return distrust("The numbers of its boot sector contradict each other.");
  into.sectorBytes = 1u << sectorPower;
  into.clusterBytes = 1u << (sectorPower + clusterPower);
  std::vector<std::byte> sectors((kSummedSectors + 1) * into.sectorBytes);
  DISKFERRY_TRY(partition.read(0, sectors));
  size_t summedBytes = kSummedSectors * into.sectorBytes;
  if (bootChecksum(std::span(sectors).first(summedBytes)) != load32(sectors.data() + summedBytes))
    return distrust("The checksum of its boot sectors is wrong.");
  uint64_t volumeSectors = load64(boot + 72);
  uint64_t tableSector = load32(boot + 80);
  uint64_t tableSectors = load32(boot + 84);
  uint64_t heapSector = load32(boot + 88);
  into.clusterCount = load32(boot + 92);
  into.rootCluster = load32(boot + 96);
  uint16_t flags = load16(boot + 106);
  into.isDirty = (flags & kVolumeDirty) != 0;
  into.hasFailed = (flags & kMediaFailure) != 0;
  into.activeBitmap = flags & kSecondIsActive;
  if (volumeSectors > partition.sizeBytes() / into.sectorBytes)
    return distrust("It claims " + std::to_string(volumeSectors) + " sectors of " + std::to_string(into.sectorBytes) +
                    " bytes on " + std::to_string(partition.sizeBytes()) + " bytes.");
  if (into.activeBitmap >= tableCount || tableSector < 24 || heapSector < tableSector + tableSectors * tableCount ||
      heapSector > volumeSectors || into.clusterCount > (volumeSectors - heapSector) >> clusterPower ||
      (uint64_t{into.clusterCount} + 2) * 4 > tableSectors * into.sectorBytes || !into.isCluster(into.rootCluster))
    return distrust("The numbers of its boot sector contradict each other.");
  into.tableOffsetBytes = (tableSector + into.activeBitmap * tableSectors) * into.sectorBytes;
  into.heapOffsetBytes = heapSector * into.sectorBytes;
  return Status::ok();
}

}  // namespace diskferry::filesystems
