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
// Appends to `runs`. False when a pair leaves `pairs` or [0, clusterCount), has no length, or the end is missing.
bool decodeRuns(std::span<const std::byte> pairs, uint64_t clusterCount, std::vector<Run>& runs);
uint64_t clustersOf(std::span<const Run> runs);

}  // namespace diskferry::ntfs
