// $Bitmap against the runs of all records: no cluster has two owners, none is used without one, none that is owned is
// marked free.
#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/bitmap_bits.h"
#include "ntfs/check_state.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kPieceBytes = 4 << 20;
constexpr uint64_t kSpareBytesMax = 16 << 20;

class ClusterChecker {
 public:
  explicit ClusterChecker(CheckState& state) : state_(state) {}

  Status check() {
    findOverlaps();
    uint64_t allocated = clustersOf(state_.bitmapRuns) * state_.geometry.clusterBytes;
    if (state_.bitmapBytes * 8 < state_.geometry.clusterCount) {
      state_.damage("NTFS_BITMAP", "$Bitmap", "It is missing or shorter than the volume.");
      return Status::ok();
    }
    if (allocated > state_.geometry.clusterCount / 8 + kSpareBytesMax) {
      state_.damage("NTFS_BITMAP", "$Bitmap",
                    "It has " + std::to_string(allocated) + " bytes, far more than it needs.");
      return Status::ok();
    }
    auto pieceBytes = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, allocated));
    AlignedBuffer found(pieceBytes);
    AlignedBuffer expected(pieceBytes);
    for (uint64_t offset = 0; offset < allocated; offset += kPieceBytes) {
      size_t length = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, allocated - offset));
      auto part = found.bytes().first(length);
      DISKFERRY_TRY(readRuns(state_.volume.sectors(), state_.geometry, state_.bitmapRuns, offset, part));
      auto wanted = expected.bytes().first(length);
      fill(offset, wanted);
      if (!state_.isPristine) copyPadding(offset, part, wanted);
      if (std::memcmp(part.data(), wanted.data(), length) != 0) report(offset, part, wanted);
    }
    return Status::ok();
  }

 private:
  void findOverlaps() {
    std::ranges::sort(state_.runs, {}, &OwnedRun::lcn);
    uint64_t end = 0;
    uint32_t owner = 0;
    for (const OwnedRun& run : state_.runs) {
      if (run.lcn < end)
        state_.damageRecord("NTFS_CROSS_LINK", run.record,
                            "Its cluster " + std::to_string(run.lcn) + " also belongs to " + recordName(owner) + ".");
      if (uint64_t{run.lcn} + run.count > end) {
        end = uint64_t{run.lcn} + run.count;
        owner = run.record;
      }
    }
    if (state_.hasTooManyRuns) {
      state_.hasUnknownOwners = true;
      state_.add("NTFS_UNSUPPORTED", Severity::warning, "$Bitmap", "The volume has more runs than can be compared.");
    }
  }

  void fill(uint64_t offsetBytes, std::span<std::byte> into) {
    std::memset(into.data(), 0, into.size());
    uint64_t first = offsetBytes * 8;
    uint64_t end = first + into.size() * 8;
    while (next_ > 0 && uint64_t{state_.runs[next_ - 1].lcn} + state_.runs[next_ - 1].count > first) next_--;
    for (; next_ < state_.runs.size() && state_.runs[next_].lcn < end; next_++)
      setBits(into, first, state_.runs[next_].lcn, uint64_t{state_.runs[next_].lcn} + state_.runs[next_].count);
    setBits(into, first, state_.geometry.clusterCount, state_.bitmapBytes * 8);
  }

  // Others may leave anything behind the last cluster's bit.
  void copyPadding(uint64_t offsetBytes, std::span<const std::byte> found, std::span<std::byte> into) {
    uint64_t last = state_.geometry.clusterCount / 8;
    if (offsetBytes + into.size() <= last) return;
    size_t at = last > offsetBytes ? static_cast<size_t>(last - offsetBytes) : 0;
    auto mask = static_cast<std::byte>(last >= offsetBytes ? (1 << (state_.geometry.clusterCount % 8)) - 1 : 0);
    into[at] = (into[at] & mask) | (found[at] & ~mask);
    std::memcpy(into.data() + at + 1, found.data() + at + 1, into.size() - at - 1);
  }

  void report(uint64_t offsetBytes, std::span<const std::byte> found, std::span<const std::byte> wanted) {
    for (size_t at = 0; at < found.size();) {
      if (found[at] == wanted[at]) {
        at++;
        continue;
      }
      size_t end = at;
      bool isLost = false;
      bool isFree = false;
      for (; end < found.size() && found[end] != wanted[end]; end++) {
        isLost = isLost || (found[end] & ~wanted[end]) != std::byte{0};
        isFree = isFree || (wanted[end] & ~found[end]) != std::byte{0};
      }
      std::string range =
          "clusters " + std::to_string((offsetBytes + at) * 8) + " to " + std::to_string((offsetBytes + end) * 8 - 1);
      if (isFree)
        state_.damage("NTFS_BITMAP_FREE", "$Bitmap", "Among " + range + " some that belong to files are marked free.");
      if (isLost)
        // Elsewhere they are lost room, as after a crash, and hide nothing.
        state_.add("NTFS_BITMAP_LOST",
                   state_.hasUnknownOwners || !state_.isPristine ? Severity::warning : Severity::damage, "$Bitmap",
                   "Among " + range + " some are marked used that belong to no file.");
      at = end;
    }
  }

  CheckState& state_;
  size_t next_ = 0;
};

}  // namespace

Status checkClusters(CheckState& state) { return ClusterChecker(state).check(); }

}  // namespace diskferry::ntfs
