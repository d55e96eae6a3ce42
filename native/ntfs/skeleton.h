// The empty volume that mkntfs made, without its emptiness: the bytes of every used cluster except those of $Bitmap,
// which is regenerated. A few hundred KiB whatever the volume's size, so that it can be stored with a job and give the
// same layout again on resume (mkntfs picks a random serial number).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ntfs/geometry.h"
#include "sectors.h"
#include "status.h"

namespace diskferry::ntfs {

struct ClusterRange {
  uint64_t lcn = 0;
  uint64_t count = 0;
  uint64_t end() const { return lcn + count; }
};

class Skeleton {
 public:
  // Reads a fresh volume. Fails with NTFS_UNSUPPORTED when it is not the kind that mkntfs makes with our options.
  static Result<Skeleton> read(Sectors& volume);
  // Refuses everything that encode() did not write: wrong version, checksum, order or length.
  static Result<Skeleton> decode(std::span<const std::byte> encoded);
  std::vector<std::byte> encode() const;

  const Geometry& geometry() const { return geometry_; }
  // Ascending, disjoint; $Bitmap's clusters are among them.
  const std::vector<ClusterRange>& used() const { return used_; }
  std::span<const std::byte> backupBootSector() const { return backupBoot_; }
  // Bytes of used clusters; zeros elsewhere (and for $Bitmap).
  void copy(uint64_t offsetBytes, std::span<std::byte> into) const;

 private:
  enum class Kind : uint8_t { bytes, zeros, ones };
  struct Fragment {
    Kind kind;
    uint64_t offsetBytes;
    uint64_t lengthBytes;
    size_t dataStart;  // in data_, for Kind::bytes
  };

  Status readUsed(Sectors& volume, const std::vector<ClusterRange>& bitmap, uint64_t bitmapBytes);
  Status readFragments(Sectors& volume, const ClusterRange& range);
  void append(uint64_t offsetBytes, std::span<const std::byte> block);

  Geometry geometry_;
  std::vector<ClusterRange> used_;
  std::vector<Fragment> fragments_;
  std::vector<std::byte> data_;
  std::vector<std::byte> backupBoot_;
};

// A new anonymous file in memory of that size; holes take no memory. The caller closes the descriptor.
Result<int> createMemoryFile(uint64_t sizeBytes);
// Skeleton::read of a descriptor, encoded. Close the descriptor soon after: mkntfs wrote all of $Bitmap, which is 366
// MB of memory for a 12 TB volume in 4 KiB clusters.
Result<std::vector<std::byte>> readSkeleton(int descriptor);

}  // namespace diskferry::ntfs
