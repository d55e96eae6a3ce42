// What NTFS uses: $Bitmap, read with the reader of volumes, and what lies behind the last cluster (the copy of the boot
// sector). The volume is believed when neither its dirty flag nor its $LogFile says that it was open.
#include <algorithm>
#include <string>

#include "filesystems/ntfs_log.h"
#include "filesystems/readers.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"
#include "ntfs/bitmap_bits.h"
#include "ntfs/file_attributes.h"
#include "ntfs/volume.h"

namespace diskferry::filesystems {

namespace {

using ntfs::Run;

constexpr uint64_t kPieceBytes = 1 << 20;
constexpr uint16_t kDirty = 0x0001;
constexpr uint16_t kCheckRunning = 0x4000;

// The runs of a system file's data, whole and not encoded.
Status runsOf(const ntfs::NtfsVolume& volume, uint32_t record, uint64_t neededBytes, std::vector<Run>& runs,
              uint64_t& dataBytes) {
  AlignedBuffer buffer(volume.geometry().recordBytes);
  ntfs::RecordView view;
  DISKFERRY_TRY(volume.mft().readRecord(volume.sectors(), record, buffer.bytes(), view));
  ntfs::FileAttributes attributes;
  DISKFERRY_TRY(attributes.collect(volume.sectors(), volume.geometry(), volume.mft(), record, view));
  auto parts = attributes.parts(ntfs::kData);
  if (!view.isInUse() || parts.empty() || !parts[0]->isNonResident || parts[0]->flags != 0 ||
      std::min(parts[0]->dataBytes, parts[0]->initializedBytes) < neededBytes)
    return distrust("MFT record " + std::to_string(record) + " does not describe all of its data.");
  dataBytes = parts[0]->dataBytes;
  return ntfs::joinWholeRuns(volume.geometry(), parts, runs);
}

Status findState(const ntfs::NtfsVolume& volume, UsedRanges& found) {
  AlignedBuffer buffer(volume.geometry().recordBytes);
  ntfs::RecordView view;
  DISKFERRY_TRY(volume.mft().readRecord(volume.sectors(), ntfs::kVolumeRecord, buffer.bytes(), view));
  const ntfs::Attribute* information = view.find(ntfs::kVolumeInformation);
  if (information == nullptr || information->value.size() < 12) return distrust("Its volume information is missing.");
  if ((load16(information->value.data() + 10) & (kDirty | kCheckRunning)) != 0)
    suspect(found, VolumeState::dirty, "It is marked dirty: it was not unmounted, or waits for a check.");
  std::vector<Run> runs;
  uint64_t dataBytes = 0;
  DISKFERRY_TRY(runsOf(volume, ntfs::kLogFileRecord, 0, runs, dataBytes));
  AlignedBuffer pages(kNtfsRestartBytes);
  if (dataBytes < pages.size()) return distrust("Its $LogFile is too short.");
  DISKFERRY_TRY(ntfs::readRuns(volume.sectors(), volume.geometry(), runs, 0, pages.bytes()));
  if (!isNtfsLogClean(pages.bytes()))
    suspect(found, VolumeState::needsRecovery,
            "Its journal has not been replayed: it was not unmounted, or Windows is only asleep on it.");
  return Status::ok();
}

// A bitmap that does not even know of the volume's own tables is not believed.
bool areSet(std::span<const std::byte> part, uint64_t firstBit, std::span<const Run> runs) {
  uint64_t endBit = firstBit + part.size() * 8;
  for (const Run& run : runs)
    for (uint64_t bit = std::max(run.lcn, firstBit); bit < std::min(run.lcn + run.count, endBit); bit++)
      if (!ntfs::isBitSet(part, bit - firstBit)) return false;
  return true;
}

}  // namespace

Status readNtfs(std::shared_ptr<PartitionSectors> partition, UsedRanges& found, RangeCollector& used) {
  found.fileSystem = "ntfs";
  Result<std::shared_ptr<ntfs::NtfsVolume>> opened = ntfs::NtfsVolume::open(partition);
  if (!opened.isOk()) return opened.status();
  const ntfs::NtfsVolume& volume = *opened.value();
  const ntfs::Geometry& geometry = volume.geometry();
  found.label = volume.label();
  found.unitBytes = geometry.clusterBytes;
  DISKFERRY_TRY(findState(volume, found));

  uint64_t neededBytes = (geometry.clusterCount + 7) / 8;
  std::vector<Run> runs;
  uint64_t bitmapBytes = 0;
  DISKFERRY_TRY(runsOf(volume, ntfs::kBitmapRecord, neededBytes, runs, bitmapBytes));
  const uint64_t readBytes = ntfs::alignUp(neededBytes, geometry.sectorBytes);
  AlignedBuffer piece(std::min(kPieceBytes, readBytes));
  std::vector<Run> own = volume.mft().runs();
  own.insert(own.end(), runs.begin(), runs.end());
  own.push_back({0, 1});
  for (uint64_t offset = 0; offset < readBytes; offset += kPieceBytes) {
    auto part = piece.bytes().first(std::min(kPieceBytes, readBytes - offset));
    DISKFERRY_TRY(ntfs::readRuns(volume.sectors(), geometry, runs, offset, part));
    if (!areSet(part, offset * 8, own)) return distrust("$Bitmap calls clusters free that NTFS itself uses.");
    used.addSetBits(part, geometry.clusterCount - offset * 8, geometry.clusterOffsetBytes(offset * 8),
                    geometry.clusterBytes);
  }
  uint64_t endBytes = geometry.clusterOffsetBytes(geometry.clusterCount);
  used.add(endBytes, ~uint64_t{0} - endBytes);
  return Status::ok();
}

}  // namespace diskferry::filesystems
