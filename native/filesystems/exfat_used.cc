// What exFAT uses: the allocation bitmap, which an entry of the root directory names, and all in front of the clusters.
#include <algorithm>
#include <string>
#include <vector>

#include "filesystems/exfat_geometry.h"
#include "filesystems/readers.h"
#include "little_endian.h"
#include "ntfs/bitmap_bits.h"
#include "ntfs/names.h"

namespace diskferry::filesystems {

namespace {

constexpr uint64_t kRootBytesMax = 256 << 20;
constexpr size_t kEntryBytes = 32;
constexpr size_t kLabelUnitsMax = 11;
constexpr size_t kPieceBytesMax = 1 << 20;
enum EntryType : uint8_t { kEnd = 0x00, kBitmapEntry = 0x81, kLabelEntry = 0x83 };

struct BitmapPlace {
  uint32_t firstCluster = 0;
  uint64_t lengthBytes = 0;
};

class ExfatReader {
 public:
  ExfatReader(PartitionSectors& partition, const ExfatGeometry& geometry)
      : partition_(partition), geometry_(geometry) {}

  Status findBitmap(UsedRanges& found, BitmapPlace& into) {
    uint64_t limit = std::min<uint64_t>(geometry_.clusterCount, kRootBytesMax / geometry_.clusterBytes + 1);
    uint32_t cluster = geometry_.rootCluster;
    std::vector<std::byte> piece(std::min<size_t>(geometry_.clusterBytes, kPieceBytesMax));
    for (uint64_t walked = 0; walked < limit; walked++) {
      for (uint64_t offset = 0; offset < geometry_.clusterBytes; offset += piece.size()) {
        DISKFERRY_TRY(partition_.read(geometry_.clusterOffsetBytes(cluster) + offset, piece));
        if (readEntries(piece, found, into)) return Status::ok();
      }
      bool hasNext = false;
      DISKFERRY_TRY(follow(cluster, hasNext));
      if (!hasNext) return Status::ok();
    }
    return distrust("Its root directory does not end.");
  }

  Status addBitmap(const BitmapPlace& place, RangeCollector& used) {
    uint64_t left = (uint64_t{geometry_.clusterCount} + 7) / 8;
    if (place.lengthBytes < left || !geometry_.isCluster(place.firstCluster))
      return distrust("Its allocation bitmap is missing or too short.");
    uint32_t cluster = place.firstCluster;
    std::vector<uint32_t> own{geometry_.rootCluster};
    std::vector<std::byte> bitmap(left);
    for (std::span<std::byte> rest = bitmap; !rest.empty();) {
      own.push_back(cluster);
      auto part = rest.first(std::min<size_t>(rest.size(), geometry_.clusterBytes));
      DISKFERRY_TRY(partition_.read(geometry_.clusterOffsetBytes(cluster), part));
      rest = rest.subspan(part.size());
      bool hasNext = false;
      if (!rest.empty()) DISKFERRY_TRY(follow(cluster, hasNext));
      if (!rest.empty() && !hasNext) return distrust("Its allocation bitmap ends too early.");
    }
    for (uint32_t number : own)
      if (!ntfs::isBitSet(bitmap, number - 2)) return distrust("Its allocation bitmap calls itself or the root free.");
    used.addSetBits(bitmap, geometry_.clusterCount, geometry_.heapOffsetBytes, geometry_.clusterBytes);
    return Status::ok();
  }

 private:
  // True at the end of the directory.
  bool readEntries(std::span<const std::byte> entries, UsedRanges& found, BitmapPlace& into) const {
    for (size_t at = 0; at + kEntryBytes <= entries.size(); at += kEntryBytes) {
      const std::byte* entry = entries.data() + at;
      auto type = static_cast<uint8_t>(entry[0]);
      if (type == kEnd) return true;
      if (type == kBitmapEntry && (static_cast<uint32_t>(entry[1]) & 1) == geometry_.activeBitmap)
        into = {load32(entry + 20), load64(entry + 24)};
      if (type == kLabelEntry) {
        std::u16string units;
        for (size_t unit = 0; unit < std::min<size_t>(static_cast<uint8_t>(entry[1]), kLabelUnitsMax); unit++)
          units.push_back(static_cast<char16_t>(load16(entry + 2 + 2 * unit)));
        found.label.clear();
        ntfs::appendUtf8(units, found.label);
      }
    }
    return false;
  }

  // To the next cluster of a chain.
  Status follow(uint32_t& cluster, bool& hasNext) {
    std::byte entry[4];
    DISKFERRY_TRY(partition_.read(geometry_.tableOffsetBytes + uint64_t{4} * cluster, entry));
    uint32_t next = load32(entry);
    hasNext = next != 0xFFFFFFFF;
    if (hasNext && !geometry_.isCluster(next))
      return distrust("Its table points to cluster " + std::to_string(next) + ".");
    cluster = next;
    return Status::ok();
  }

  PartitionSectors& partition_;
  const ExfatGeometry& geometry_;
};

}  // namespace

Status readExfat(PartitionSectors& partition, UsedRanges& found, RangeCollector& used) {
  found.fileSystem = "exfat";
  ExfatGeometry geometry;
  DISKFERRY_TRY(readExfatGeometry(partition, geometry));
  found.unitBytes = geometry.clusterBytes;
  if (geometry.isDirty) suspect(found, VolumeState::dirty, "It is marked dirty: it was not unmounted.");
  if (geometry.hasFailed) suspect(found, VolumeState::dirty, "It is marked as having met errors of its medium.");
  used.add(0, geometry.heapOffsetBytes);
  uint64_t endBytes = geometry.heapOffsetBytes + uint64_t{geometry.clusterCount} * geometry.clusterBytes;
  used.add(endBytes, ~uint64_t{0} - endBytes);
  ExfatReader reader(partition, geometry);
  BitmapPlace place;
  DISKFERRY_TRY(reader.findBitmap(found, place));
  return reader.addBitmap(place, used);
}

}  // namespace diskferry::filesystems
