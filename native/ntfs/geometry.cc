#include "ntfs/geometry.h"

#include <bit>
#include <cstring>
#include <string>

#include "little_endian.h"

namespace diskferry::ntfs {

namespace {

// A count of clusters, or minus a power of two of bytes.
uint64_t sizeFromCode(uint8_t code, uint32_t clusterBytes) {
  if (code < 0x80) return static_cast<uint64_t>(code) * clusterBytes;
  unsigned shift = 256u - code;
  return shift < 32 ? 1ull << shift : 0;
}

bool isPowerOfTwoWithin(uint64_t value, uint64_t low, uint64_t high) {
  return std::has_single_bit(value) && value >= low && value <= high;
}

}  // namespace

Result<Geometry> parseBootSector(std::span<const std::byte> sector) {
  if (sector.size() < 512 || std::memcmp(sector.data() + 3, "NTFS    ", 8) != 0)
    return Status(ErrorCode::NTFS_DAMAGED, "the boot sector does not say NTFS");
  const std::byte* boot = sector.data();
  if (load16(boot + 510) != 0xAA55) return Status(ErrorCode::NTFS_DAMAGED, "the boot sector has no end mark 55 AA");
  Geometry geometry;
  geometry.sectorBytes = load16(boot + 0x0B);
  uint8_t clusterCode = static_cast<uint8_t>(boot[0x0D]);
  uint64_t sectorsPerCluster = clusterCode <= 0x80 ? clusterCode : 1ull << ((256 - clusterCode) & 31);
  uint64_t clusterBytes = sectorsPerCluster * geometry.sectorBytes;
  if (!isPowerOfTwoWithin(geometry.sectorBytes, 512, 4096) ||
      !isPowerOfTwoWithin(clusterBytes, geometry.sectorBytes, 2u << 20))
    return Status(ErrorCode::NTFS_UNSUPPORTED, "sectors of " + std::to_string(geometry.sectorBytes) +
                                                   " and clusters of " + std::to_string(clusterBytes) +
                                                   " bytes are not supported");
  geometry.clusterBytes = static_cast<uint32_t>(clusterBytes);
  uint64_t recordBytes = sizeFromCode(static_cast<uint8_t>(boot[0x40]), geometry.clusterBytes);
  uint64_t indexBytes = sizeFromCode(static_cast<uint8_t>(boot[0x44]), geometry.clusterBytes);
  if (!isPowerOfTwoWithin(recordBytes, 1024, 4096) || !isPowerOfTwoWithin(indexBytes, 2048, 65536) ||
      recordBytes < geometry.sectorBytes || indexBytes < geometry.sectorBytes)
    return Status(ErrorCode::NTFS_UNSUPPORTED, "file records of " + std::to_string(recordBytes) +
                                                   " and index blocks of " + std::to_string(indexBytes) +
                                                   " bytes are not supported");
  geometry.recordBytes = static_cast<uint32_t>(recordBytes);
  geometry.indexBytes = static_cast<uint32_t>(indexBytes);
  geometry.sectorCount = load64(boot + 0x28);
  geometry.mftLcn = load64(boot + 0x30);
  geometry.mirrorLcn = load64(boot + 0x38);
  geometry.clusterCount = geometry.sectorCount / sectorsPerCluster;
  if (geometry.sectorCount >= 1ull << 52 || geometry.clusterCount >= 0xFFFFFFFFull)
    return Status(ErrorCode::NTFS_UNSUPPORTED,
                  std::to_string(geometry.clusterCount) + " clusters are more than NTFS allows");
  if (geometry.mftLcn >= geometry.clusterCount || geometry.mirrorLcn >= geometry.clusterCount)
    return Status(ErrorCode::NTFS_DAMAGED, "the boot sector places $MFT at cluster " + std::to_string(geometry.mftLcn) +
                                               " and its mirror at " + std::to_string(geometry.mirrorLcn) + " of " +
                                               std::to_string(geometry.clusterCount));
  return geometry;
}

}  // namespace diskferry::ntfs
