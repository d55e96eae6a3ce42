#include "ntfs/layout_plan.h"

#include <algorithm>

namespace diskferry::ntfs {

uint64_t LayoutPlan::indexBitmapClusters(uint32_t blocks) const {
  if (blocks <= kResidentBitmapBlocks) return 0;
  // Rounded so that the next directory's blocks are not cut.
  return alignUp(clustersFor(indexBitmapBytes(blocks)), indexUnit());
}

std::vector<Run> LayoutPlan::indexRuns(uint64_t first, uint64_t count) const {
  std::vector<Run> runs;
  for (const Run& area : indexAreaRuns) {
    if (count == 0) break;
    if (first >= area.count) {
      first -= area.count;
      continue;
    }
    uint64_t length = std::min(count, area.count - first);
    runs.push_back({area.lcn + first, length});
    count -= length;
    first = 0;
  }
  return runs;
}

bool LayoutPlan::isReleased(const OwnedRange& owned) const {
  if (owned.record == kRootRecord) return owned.attributeType == kIndexAllocation;
  return mftBitmapMoved && owned.record == kMftRecord && owned.attributeType == kBitmap;
}

uint64_t LayoutPlan::requiredDataClusters() const {
  uint64_t clusters = 0;
  for (uint32_t file = 0; file < tree.fileCount; file++)
    clusters = std::min(clusters + clustersFor(tree.fileSizeBytes(file)), uint64_t{1} << 46);  // sums stay in 64 bits
  return clusters;
}

// Never negative: the root's index and the bitmap of $MFT that mkntfs made are replaced by at least as much.
uint64_t LayoutPlan::requiredMetadataClusters(std::span<const SystemFileGroup> groups) const {
  uint64_t clusters = clustersFor(uint64_t{recordCount} * geometry().recordBytes) - system.mftRuns[0].count;
  uint64_t oldBitmap = clustersOf(system.mftBitmapRuns);
  clusters += std::max(clustersFor(recordCount / 8), oldBitmap) - oldBitmap;
  for (const LayoutDirectory& directory : tree.directories)
    clusters += indexClusters(directory.reservedBlocks) + indexBitmapClusters(directory.reservedBlocks);
  clusters -= clustersOf(system.rootIndexRuns);
  for (const SystemFileGroup& group : groups)
    for (const SystemFile& file : group.files) clusters += std::min(clustersFor(file.sizeBytes), uint64_t{1} << 32);
  return clusters;
}

// One record a node, in multiples of 64 (a word of the bitmap) which is also a multiple of any cluster.
bool LayoutPlan::placeMft(FreeSpace& space) {
  uint64_t clusters = clustersFor(uint64_t{recordCount} * geometry().recordBytes);
  Run first = system.mftRuns[0];
  uint64_t growth =
      std::min(clusters - first.count, space.freeAt(first.lcn + first.count) / recordUnit() * recordUnit());
  space.take({first.lcn + first.count, growth});
  first.count += growth;
  mftRuns = {first};
  if (!space.takeSplit(clusters - first.count, recordUnit(), mftRuns)) return false;

  uint64_t bitmapClusters = clustersFor(recordCount / 8);
  mftBitmapMoved = bitmapClusters > clustersOf(system.mftBitmapRuns);
  mftBitmapRuns = system.mftBitmapRuns;
  if (!mftBitmapMoved) return true;
  for (const Run& run : system.mftBitmapRuns) space.release({run.lcn, run.count});
  mftBitmapRuns.clear();
  return space.takeSplit(bitmapClusters, 1, mftBitmapRuns);
}

bool LayoutPlan::placeIndexes(FreeSpace& space) {
  uint64_t total = 0;
  for (uint32_t directory : tree.directoryOrder) {
    LayoutDirectory& entry = tree.directories[directory];
    entry.firstCluster = static_cast<uint32_t>(total);
    total += indexClusters(entry.reservedBlocks) + indexBitmapClusters(entry.reservedBlocks);
  }
  return space.takeSplit(total, indexUnit(), indexAreaRuns);
}

bool LayoutPlan::placeSystemFiles(const SystemFileGroup& group, FreeSpace& space) {
  uint64_t total = 0;
  for (const SystemFile& file : group.files) total += clustersFor(file.sizeBytes);
  groupSizes.push_back(static_cast<uint32_t>(group.files.size()));
  if (total == 0) return true;
  std::optional<ClusterRange> range = space.takeWhole(total, clustersFor(group.notBeforeBytes));
  if (!range) return false;
  uint64_t lcn = range->lcn;
  for (const SystemFile& file : group.files) {
    systemFiles.push_back({lcn, clustersFor(file.sizeBytes)});
    lcn += systemFiles.back().count;
  }
  return true;
}

// A file in many pieces and with a long name could outgrow its record; there is no attribute list to continue in.
Status LayoutPlan::checkRecordFits(uint32_t file) const {
  std::vector<std::byte> record(geometry().recordBytes);
  std::vector<std::byte> pairs(geometry().recordBytes);
  std::vector<Run> runs;
  for (uint32_t i = firstExtent[file]; i < extents.size(); i++) runs.push_back({extents[i].lcn, extents[i].count});
  size_t pairsBytes = encodeRuns(runs, pairs);
  std::u16string name;
  tree.name(tree.nodeOfFile(file), name);
  size_t used = firstAttributeOffset(record.size()) + residentAttributeBytes(0, kStandardInformationBytes) +
                residentAttributeBytes(0, fileNameBytes(name.size())) +
                alignUp(kNonResidentHeaderBytes + pairsBytes, 8) + 8;
  if (pairsBytes != 0 && used <= record.size()) return Status::ok();
  return Status(ErrorCode::NTFS_UNSUPPORTED, "file " + std::to_string(file) + " would lie in " +
                                                 std::to_string(runs.size()) + " pieces, too many for one record");
}

// First fit from a cursor that only moves forward: nothing is left free before a file's last cluster, so what fits is
// exactly the sum of the files' clusters.
Status LayoutPlan::placeFiles(FreeSpace& space) {
  const std::vector<ClusterRange>& stretches = space.stretches();
  size_t stretch = 0;
  uint64_t used = 0;
  firstExtent.reserve(tree.fileCount + size_t{1});
  extents.reserve(tree.fileCount);
  for (uint32_t file = 0; file < tree.fileCount; file++) {
    firstExtent.push_back(static_cast<uint32_t>(extents.size()));
    uint64_t left = clustersFor(tree.fileSizeBytes(file));
    while (left > 0) {
      uint64_t piece = std::min(left, stretches[stretch].count - used);
      if (piece > 0)
        extents.push_back({static_cast<uint32_t>(stretches[stretch].lcn + used), static_cast<uint32_t>(piece)});
      left -= piece;
      used += piece;
      if (used == stretches[stretch].count) stretch++, used = 0;
    }
    if (extents.size() - firstExtent.back() > 4) DISKFERRY_TRY(checkRecordFits(file));
  }
  firstExtent.push_back(static_cast<uint32_t>(extents.size()));
  return Status::ok();
}

Status LayoutPlan::place(std::span<const SystemFileGroup> groups, PlanProblems& problems) {
  FreeSpace space(skeleton.used(), geometry().clusterCount);
  stats.clusterBytes = geometry().clusterBytes;
  stats.volumeBytes = geometry().volumeBytes();
  stats.freeClustersBefore = space.clusters();
  for (const Run& run : system.rootIndexRuns) space.release({run.lcn, run.count});

  recordCount = static_cast<uint32_t>(alignUp(kFirstUserRecord + tree.nodes.size(), 64));
  stats.dataClusters = requiredDataClusters();
  uint64_t needed = stats.dataClusters + requiredMetadataClusters(groups);
  problems.neededBytes = needed * stats.clusterBytes;
  problems.freeBytes = stats.freeClustersBefore * stats.clusterBytes;
  auto noSpace = [&](const std::string& why) {
    return Status(ErrorCode::NTFS_NO_SPACE, "needed " + std::to_string(problems.neededBytes) + " bytes, free " +
                                                std::to_string(problems.freeBytes) + " bytes" + why);
  };
  if (needed > stats.freeClustersBefore) return noSpace("");
  if (!placeMft(space)) return noSpace(", but too fragmented for $MFT");
  if (!placeIndexes(space)) return noSpace(", but too fragmented for directory indexes");
  for (const SystemFileGroup& group : groups)
    if (!placeSystemFiles(group, space))
      return noSpace(", but no stretch for system files from byte " + std::to_string(group.notBeforeBytes) + " on");
  stats.metadataClusters = stats.freeClustersBefore - space.clusters();
  stats.freeClustersAfter = space.clusters() - stats.dataClusters;
  return placeFiles(space);
}

Layout::Layout(std::unique_ptr<LayoutPlan> plan) : plan_(std::move(plan)) {}
Layout::~Layout() = default;

Result<std::shared_ptr<Layout>> Layout::plan(std::span<const std::byte> skeleton, const TreeColumns& columns,
                                             std::span<const SystemFileGroup> groups, PlanProblems& problems) {
  auto plan = std::make_unique<LayoutPlan>();
  Result<Skeleton> decoded = Skeleton::decode(skeleton);
  if (!decoded.isOk()) return decoded.status();
  plan->skeleton = decoded.take();
  Result<SystemFiles> system = SystemFiles::load(plan->skeleton);
  if (!system.isOk()) return system.status();
  plan->system = system.take();
  Result<LayoutTree> tree = LayoutTree::build(columns, groups, plan->system, plan->geometry(), problems.names);
  if (!tree.isOk()) return tree.status();
  plan->tree = tree.take();
  DISKFERRY_TRY(plan->place(groups, problems));
  return std::shared_ptr<Layout>(new Layout(std::move(plan)));
}

const LayoutStats& Layout::stats() const { return plan_->stats; }
uint32_t Layout::fileCount() const { return plan_->tree.fileCount; }

std::span<const Extent> Layout::extentsOf(uint32_t file) const {
  uint32_t first = plan_->firstExtent[file];
  return std::span(plan_->extents).subspan(first, plan_->firstExtent[file + 1] - first);
}

std::vector<std::vector<uint64_t>> Layout::systemFileOffsets() const {
  std::vector<std::vector<uint64_t>> offsets;
  size_t next = 0;
  for (uint32_t size : plan_->groupSizes) {
    offsets.emplace_back();
    for (uint32_t i = 0; i < size; i++)
      offsets.back().push_back(plan_->systemFiles[next++].lcn * plan_->stats.clusterBytes);
  }
  return offsets;
}

}  // namespace diskferry::ntfs
