#include "ntfs/file_data.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "io/aligned_buffer.h"
#include "ntfs/lznt1.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kBatchBytes = 4 << 20;  // of a compressed file, before its compression

}  // namespace

FileReader::FileReader(FileContent content)
    : content_(std::move(content)), value_(content_.value.begin(), content_.value.end()) {
  content_.value = {};
  uint64_t end = 0;
  for (const Run& run : content_.runs) runEnds_.push_back(end += run.count);
}

size_t FileReader::runAt(uint64_t vcn) const {
  return static_cast<size_t>(std::ranges::upper_bound(runEnds_, vcn) - runEnds_.begin());
}

Result<size_t> FileReader::read(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes,
                                std::span<std::byte> into) const {
  if (content_.access == FileAccess::none) return content_.problem;
  if (offsetBytes >= content_.dataBytes) return size_t{0};
  into = into.first(static_cast<size_t>(std::min<uint64_t>(into.size(), content_.dataBytes - offsetBytes)));
  if (content_.isResident) {
    std::memcpy(into.data(), value_.data() + offsetBytes, into.size());
    return into.size();
  }
  uint64_t initialized = std::max(content_.initializedBytes, offsetBytes) - offsetBytes;
  auto written = into.first(static_cast<size_t>(std::min<uint64_t>(into.size(), initialized)));
  DISKFERRY_TRY(content_.unitClusters > 0 ? readCompressed(volume, geometry, offsetBytes, written)
                                          : readPlain(volume, geometry, offsetBytes, written));
  if (written.size() < into.size()) std::memset(into.data() + written.size(), 0, into.size() - written.size());
  return into.size();
}

// Whole sectors go straight where they are wanted; a part of one at either end takes a detour.
Status FileReader::readPlain(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes,
                             std::span<std::byte> into) const {
  uint64_t sector = geometry.sectorBytes;
  AlignedBuffer part;
  while (!into.empty()) {
    uint64_t start = offsetBytes / sector * sector;
    size_t length = into.size() / sector * sector;
    if (start != offsetBytes || length == 0) {
      if (part.size() == 0) part = AlignedBuffer(sector);
      DISKFERRY_TRY(readClusters(volume, geometry, start, part.bytes()));
      length = static_cast<size_t>(std::min<uint64_t>(into.size(), start + sector - offsetBytes));
      std::memcpy(into.data(), part.data() + (offsetBytes - start), length);
    } else {
      DISKFERRY_TRY(readClusters(volume, geometry, offsetBytes, into.first(length)));
    }
    into = into.subspan(length);
    offsetBytes += length;
  }
  return Status::ok();
}

// Offset and length in sectors. Holes, and what no run covers, are zeros.
Status FileReader::readClusters(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes,
                                std::span<std::byte> into) const {
  uint64_t clusterBytes = geometry.clusterBytes;
  for (size_t at = runAt(offsetBytes / clusterBytes); at < runEnds_.size() && !into.empty(); at++) {
    const Run& run = content_.runs[at];
    uint64_t start = offsetBytes - (runEnds_[at] - run.count) * clusterBytes;
    size_t length = static_cast<size_t>(std::min<uint64_t>(into.size(), run.count * clusterBytes - start));
    if (run.isSparse())
      std::memset(into.data(), 0, length);
    else
      DISKFERRY_TRY(volume.read(run.lcn * clusterBytes + start, into.first(length)));
    into = into.subspan(length);
    offsetBytes += length;
  }
  if (!into.empty()) std::memset(into.data(), 0, into.size());
  return Status::ok();
}

Status FileReader::readCompressed(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes,
                                  std::span<std::byte> into) const {
  uint64_t unitBytes = uint64_t{content_.unitClusters} * geometry.clusterBytes;
  AlignedBuffer detour;
  while (!into.empty()) {
    uint64_t unit = offsetBytes / unitBytes;
    uint64_t skipped = offsetBytes - unit * unitBytes;
    size_t whole = std::min<size_t>(into.size(), kBatchBytes) / unitBytes * unitBytes;
    size_t length = whole;
    if (skipped > 0 || whole == 0) {
      if (detour.size() == 0) detour = AlignedBuffer(unitBytes);
      DISKFERRY_TRY(readUnits(volume, geometry, unit, detour.bytes()));
      length = static_cast<size_t>(std::min<uint64_t>(into.size(), unitBytes - skipped));
      std::memcpy(into.data(), detour.data() + skipped, length);
    } else {
      DISKFERRY_TRY(readUnits(volume, geometry, unit, into.first(whole)));
    }
    into = into.subspan(length);
    offsetBytes += length;
  }
  return Status::ok();
}

// Whole units. What they have on the volume is mostly in one piece, so it is read first, in as few pieces as it has.
Status FileReader::readUnits(Sectors& volume, const Geometry& geometry, uint64_t firstUnit,
                             std::span<std::byte> into) const {
  uint64_t clusterBytes = geometry.clusterBytes;
  uint64_t unitBytes = content_.unitClusters * clusterBytes;
  uint64_t first = firstUnit * content_.unitClusters;
  uint64_t end = first + into.size() / clusterBytes;
  std::vector<uint32_t> stored(into.size() / unitBytes);  // clusters on the volume, by unit
  std::vector<Run> pieces;
  uint64_t vcn = first;
  for (size_t at = runAt(first); at < runEnds_.size() && vcn < end; at++) {
    const Run& run = content_.runs[at];
    for (uint64_t stop = std::min(runEnds_[at], end); vcn < stop;) {
      uint64_t unit = vcn / content_.unitClusters;
      uint64_t count = std::min(stop, (unit + 1) * content_.unitClusters) - vcn;
      if (!run.isSparse()) {
        uint32_t& known = stored[unit - firstUnit];
        if (known != vcn % content_.unitClusters)
          return Status(ErrorCode::NTFS_DAMAGED, "a compressed file has a hole inside of the unit at cluster " +
                                                     std::to_string(unit * content_.unitClusters));
        known += static_cast<uint32_t>(count);
        uint64_t lcn = run.lcn + (vcn - (runEnds_[at] - run.count));
        if (!pieces.empty() && pieces.back().lcn + pieces.back().count == lcn)
          pieces.back().count += count;
        else
          pieces.push_back({lcn, count});
      }
      vcn += count;
    }
  }
  AlignedBuffer packed(clustersOf(pieces) * clusterBytes);
  std::span<std::byte> left = packed.bytes();
  for (const Run& piece : pieces) {
    DISKFERRY_TRY(volume.read(piece.lcn * clusterBytes, left.first(piece.count * clusterBytes)));
    left = left.subspan(piece.count * clusterBytes);
  }
  std::span<const std::byte> next = packed.bytes();
  for (size_t unit = 0; unit < stored.size(); unit++) {
    std::span<std::byte> target = into.subspan(unit * unitBytes, unitBytes);
    std::span<const std::byte> source = next.first(stored[unit] * clusterBytes);
    next = next.subspan(source.size());
    if (source.empty())
      std::memset(target.data(), 0, target.size());
    else if (source.size() == target.size())
      std::memcpy(target.data(), source.data(), target.size());
    else if (!decompressLznt1(source, target))
      return Status(
          ErrorCode::NTFS_DAMAGED,
          "the compressed data at byte " + std::to_string((firstUnit + unit) * unitBytes) + " of a file is damaged");
  }
  return Status::ok();
}

}  // namespace diskferry::ntfs
