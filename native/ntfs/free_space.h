// Free clusters as a short sorted list of stretches: a fresh volume has about ten, whatever its size.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ntfs/run_list.h"
#include "ntfs/skeleton.h"

namespace diskferry::ntfs {

class FreeSpace {
 public:
  // Everything in [0, clusterCount) that is not in `used`, which is ascending and disjoint.
  FreeSpace(const std::vector<ClusterRange>& used, uint64_t clusterCount);

  uint64_t clusters() const { return clusters_; }
  const std::vector<ClusterRange>& stretches() const { return stretches_; }

  // Gives clusters back; they were used.
  void release(const ClusterRange& range);
  // How many clusters are free from `lcn` on without a gap.
  uint64_t freeAt(uint64_t lcn) const;
  // Takes a range that is free.
  void take(const ClusterRange& range);
  // Takes `count` clusters in one piece, the first place at or after `notBefore`.
  std::optional<ClusterRange> takeWhole(uint64_t count, uint64_t notBefore = 0);
  // In one piece when possible, else from the lowest stretches on, every piece a multiple of `unit`. Appends to `runs`;
  // false (and nothing taken) when there is not enough.
  bool takeSplit(uint64_t count, uint64_t unit, std::vector<Run>& runs);

 private:
  std::vector<ClusterRange> stretches_;
  uint64_t clusters_ = 0;
};

}  // namespace diskferry::ntfs
