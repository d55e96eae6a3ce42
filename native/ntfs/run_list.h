// Where the clusters of an attribute lie: runs, stored as "mapping pairs" of length and distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace diskferry::ntfs {

struct Run {
  static constexpr uint64_t kSparse = ~0ull;
  uint64_t lcn = 0;  // kSparse: no clusters, reads as zeros
  uint64_t count = 0;
  bool isSparse() const { return lcn == kSparse; }
};

inline constexpr size_t kEncodedRunBytesMax = 17;

// Writes the pairs and the closing zero; 0 when `into` is too small.
size_t encodeRuns(std::span<const Run> runs, std::span<std::byte> into);
// Clusters and holes of a sparse file together; their bytes fit 64 bits whatever the cluster size.
inline constexpr uint64_t kVcnMax = uint64_t{1} << 42;

// Appends to `runs`. False when a pair leaves `pairs` or [0, clusterCount), has no length, or the end is missing, or
// when clusters and holes are more than `vcnLimit`.
bool decodeRuns(std::span<const std::byte> pairs, uint64_t clusterCount, std::vector<Run>& runs, uint64_t vcnLimit);
// The same for attributes that cannot be longer than the volume.
inline bool decodeRuns(std::span<const std::byte> pairs, uint64_t clusterCount, std::vector<Run>& runs) {
  return decodeRuns(pairs, clusterCount, runs, clusterCount);
}
uint64_t clustersOf(std::span<const Run> runs);

}  // namespace diskferry::ntfs
