#include "ntfs/free_space.h"

#include <algorithm>

namespace diskferry::ntfs {

FreeSpace::FreeSpace(const std::vector<ClusterRange>& used, uint64_t clusterCount) {
  uint64_t lcn = 0;
  for (const ClusterRange& range : used) {
    if (range.lcn > lcn) stretches_.push_back({lcn, range.lcn - lcn});
    lcn = range.end();
  }
  if (clusterCount > lcn) stretches_.push_back({lcn, clusterCount - lcn});
  for (const ClusterRange& stretch : stretches_) clusters_ += stretch.count;
}

void FreeSpace::release(const ClusterRange& range) {
  if (range.count == 0) return;
  auto next = std::ranges::lower_bound(stretches_, range.lcn, {}, &ClusterRange::lcn);
  auto at = stretches_.insert(next, range);
  clusters_ += range.count;
  if (at + 1 != stretches_.end() && at->end() == (at + 1)->lcn) {
    at->count += (at + 1)->count;
    stretches_.erase(at + 1);
  }
  if (at != stretches_.begin() && (at - 1)->end() == at->lcn) {
    (at - 1)->count += at->count;
    stretches_.erase(at);
  }
}

uint64_t FreeSpace::freeAt(uint64_t lcn) const {
  for (const ClusterRange& stretch : stretches_)
    if (stretch.lcn <= lcn && lcn < stretch.end()) return stretch.end() - lcn;
  return 0;
}

void FreeSpace::take(const ClusterRange& range) {
  if (range.count == 0) return;
  for (size_t i = 0; i < stretches_.size(); i++) {
    ClusterRange stretch = stretches_[i];
    if (range.lcn < stretch.lcn || range.end() > stretch.end()) continue;
    ClusterRange after{range.end(), stretch.end() - range.end()};
    stretches_[i].count = range.lcn - stretch.lcn;
    if (after.count > 0) stretches_.insert(stretches_.begin() + static_cast<ptrdiff_t>(i) + 1, after);
    if (stretches_[i].count == 0) stretches_.erase(stretches_.begin() + static_cast<ptrdiff_t>(i));
    clusters_ -= range.count;
    return;
  }
}

std::optional<ClusterRange> FreeSpace::takeWhole(uint64_t count, uint64_t notBefore) {
  for (const ClusterRange& stretch : stretches_) {
    uint64_t lcn = std::max(stretch.lcn, notBefore);
    if (lcn >= stretch.end() || stretch.end() - lcn < count) continue;
    ClusterRange range{lcn, count};
    take(range);
    return range;
  }
  return std::nullopt;
}

bool FreeSpace::takeSplit(uint64_t count, uint64_t unit, std::vector<Run>& runs) {
  if (count == 0) return true;
  if (std::optional<ClusterRange> whole = takeWhole(count)) {
    runs.push_back({whole->lcn, whole->count});
    return true;
  }
  std::vector<ClusterRange> pieces;
  for (const ClusterRange& stretch : stretches_) {
    uint64_t piece = std::min(count, stretch.count / unit * unit);
    if (piece > 0) pieces.push_back({stretch.lcn, piece});
    count -= piece;
  }
  if (count > 0) return false;
  for (const ClusterRange& piece : pieces) {
    take(piece);
    runs.push_back({piece.lcn, piece.count});
  }
  return true;
}

}  // namespace diskferry::ntfs
