// The inside of a Layout: the tree, the skeleton, and where everything lies. Shared by planning and writing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ntfs/free_space.h"
#include "ntfs/layout.h"
#include "ntfs/layout_tree.h"
#include "ntfs/skeleton.h"
#include "ntfs/system_files.h"

namespace diskferry::ntfs {

// Above this a directory's block bitmap moves out of its record, which might not hold it beside a long name.
inline constexpr uint32_t kResidentBitmapBlocks = 128;
// Directories with an index block bitmap of their own clusters have it behind their index blocks.
constexpr uint64_t indexBitmapBytes(uint32_t blocks) { return divideUp(blocks, 64) * 8; }

struct LayoutPlan {
  // Fails with NTFS_NO_SPACE (bytes in `problems`) or NTFS_UNSUPPORTED.
  Status place(std::span<const SystemFileGroup> groups, PlanProblems& problems);

  const Geometry& geometry() const { return skeleton.geometry(); }
  uint64_t clustersFor(uint64_t bytes) const { return divideUp(bytes, geometry().clusterBytes); }
  // Clusters that a record or index block must not be cut at.
  uint64_t recordUnit() const { return divideUp(geometry().recordBytes, geometry().clusterBytes); }
  uint64_t indexUnit() const { return divideUp(geometry().indexBytes, geometry().clusterBytes); }
  // The index blocks of a directory and, when it is large, their bitmap behind them.
  uint64_t indexClusters(uint32_t blocks) const { return clustersFor(uint64_t{blocks} * geometry().indexBytes); }
  uint64_t indexBitmapClusters(uint32_t blocks) const;
  // Runs of clusters [first, first + count) of the index area.
  std::vector<Run> indexRuns(uint64_t first, uint64_t count) const;
  // What mkntfs used and this plan does not: the old places of what has moved.
  bool isReleased(const OwnedRange& owned) const;

  Skeleton skeleton;
  SystemFiles system;
  LayoutTree tree;
  LayoutStats stats;

  uint32_t recordCount = 0;
  bool mftBitmapMoved = false;
  std::vector<Run> mftRuns;
  std::vector<Run> mftBitmapRuns;
  std::vector<Run> indexAreaRuns;
  std::vector<ClusterRange> systemFiles;  // in the order of the groups
  std::vector<uint32_t> groupSizes;
  std::vector<uint32_t> firstExtent;  // one more than files
  std::vector<Extent> extents;

 private:
  uint64_t requiredDataClusters() const;
  uint64_t requiredMetadataClusters(std::span<const SystemFileGroup> groups) const;
  // False when the free space, though large enough in sum, is in the wrong pieces.
  bool placeMft(FreeSpace& space);
  bool placeIndexes(FreeSpace& space);
  bool placeSystemFiles(const SystemFileGroup& group, FreeSpace& space);
  Status placeFiles(FreeSpace& space);
  Status checkRecordFits(uint32_t file) const;
};

}  // namespace diskferry::ntfs
