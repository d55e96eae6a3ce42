#include "ntfs/mft_access.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "io/aligned_buffer.h"
#include "ntfs/attribute_list.h"
#include "ntfs/fixups.h"

namespace diskferry::ntfs {

Status readRuns(Sectors& volume, const Geometry& geometry, std::span<const Run> runs, uint64_t offsetBytes,
                std::span<std::byte> into) {
  for (const Run& run : runs) {
    if (into.empty()) return Status::ok();
    uint64_t runBytes = run.count * geometry.clusterBytes;
    if (offsetBytes >= runBytes) {
      offsetBytes -= runBytes;
      continue;
    }
    size_t length = static_cast<size_t>(std::min<uint64_t>(runBytes - offsetBytes, into.size()));
    if (run.isSparse())
      std::memset(into.data(), 0, length);
    else
      DISKFERRY_TRY(volume.read(run.lcn * geometry.clusterBytes + offsetBytes, into.first(length)));
    into = into.subspan(length);
    offsetBytes = 0;
  }
  if (!into.empty()) std::memset(into.data(), 0, into.size());
  return Status::ok();
}

Status attributeRuns(const Geometry& geometry, const Attribute& attribute, std::vector<Run>& runs) {
  runs.clear();
  if (!attribute.isNonResident)
    return Status(ErrorCode::NTFS_DAMAGED, "an attribute that should have runs is resident");
  if (attribute.lowestVcn != 0 || !decodeRuns(attribute.mappingPairs, geometry.clusterCount, runs))
    return Status(ErrorCode::NTFS_DAMAGED,
                  "the run list of an attribute of type " + std::to_string(attribute.type) + " cannot be read");
  if (attribute.dataBytes > clustersOf(runs) * geometry.clusterBytes)
    return Status(ErrorCode::NTFS_DAMAGED, "an attribute claims " + std::to_string(attribute.dataBytes) + " bytes in " +
                                               std::to_string(clustersOf(runs)) + " clusters");
  return Status::ok();
}

Result<MftAccess> MftAccess::open(Sectors& volume, const Geometry& geometry) {
  MftAccess mft;
  mft.geometry_ = geometry;
  mft.recordCount_ = 1;
  uint64_t clusters = divideUp(geometry.recordBytes, geometry.clusterBytes);
  if (clusters > geometry.clusterCount - geometry.mftLcn)
    return Status(ErrorCode::NTFS_DAMAGED, "$MFT begins at the volume's last cluster");
  mft.runs_ = {Run{geometry.mftLcn, clusters}};
  AlignedBuffer record(geometry.recordBytes);
  RecordView view;
  DISKFERRY_TRY(mft.readRecord(volume, kMftRecord, record.bytes(), view));
  const Attribute* data = view.find(kData);
  if (data == nullptr) return Status(ErrorCode::NTFS_DAMAGED, "MFT record 0 has no data");
  const Attribute* list = view.find(kAttributeList);
  std::vector<Run> runs;
  if (!data->isNonResident || data->lowestVcn != 0 || !decodeRuns(data->mappingPairs, geometry.clusterCount, runs))
    return Status(ErrorCode::NTFS_DAMAGED, "the run list of $MFT cannot be read");
  if (runs.empty() || runs[0].lcn != geometry.mftLcn)
    return Status(ErrorCode::NTFS_DAMAGED, "the boot sector and MFT record 0 disagree about where $MFT begins");
  mft.runs_.clear();
  DISKFERRY_TRY(mft.addRuns(runs));
  uint64_t usedBytes = std::min(data->dataBytes, data->initializedBytes);
  if (list != nullptr) DISKFERRY_TRY(mft.followList(volume, view, *list));
  if (data->dataBytes > mft.clusters_ * geometry.clusterBytes)
    return Status(ErrorCode::NTFS_DAMAGED, "$MFT claims " + std::to_string(data->dataBytes) + " bytes in " +
                                               std::to_string(mft.clusters_) + " clusters");
  mft.recordCount_ = usedBytes / geometry.recordBytes;
  // 67 million files: far beyond a drive of ours, and it bounds the memory that a hostile volume can make us take.
  if (mft.recordCount_ < kFirstNamedRecord || mft.recordCount_ > 1u << 26)
    return Status(ErrorCode::NTFS_UNSUPPORTED, "$MFT has " + std::to_string(mft.recordCount_) + " records");
  return mft;
}

// The next part of the table; no part of it is a hole.
Status MftAccess::addRuns(std::span<const Run> runs) {
  if (std::ranges::any_of(runs, &Run::isSparse)) return Status(ErrorCode::NTFS_DAMAGED, "$MFT has a hole");
  runs_.insert(runs_.end(), runs.begin(), runs.end());
  clusters_ += clustersOf(runs);
  recordCount_ = clusters_ * geometry_.clusterBytes / geometry_.recordBytes;
  return Status::ok();
}

Status MftAccess::followList(Sectors& volume, const RecordView& base, const Attribute& list) {
  Result<std::vector<std::byte>> bytes = readAttribute(volume, geometry_, list, kAttributeListBytesMax);
  if (!bytes.isOk()) return bytes.status();
  std::vector<AttributeListEntry> entries;
  if (!parseAttributeList(bytes.value(), entries))
    return Status(ErrorCode::NTFS_DAMAGED, "the attribute list of $MFT is damaged");
  std::erase_if(entries, [](const AttributeListEntry& entry) {
    return entry.type != kData || !entry.name.empty() || referencedRecord(entry.reference) == kMftRecord;
  });
  std::ranges::sort(entries, {}, &AttributeListEntry::lowestVcn);
  AlignedBuffer record(geometry_.recordBytes);
  RecordView view;
  for (const AttributeListEntry& entry : entries) {
    DISKFERRY_TRY(readRecord(volume, referencedRecord(entry.reference), record.bytes(), view));
    auto part = std::ranges::find_if(view.attributes, [&](const Attribute& attribute) {
      return attribute.type == kData && attribute.name.empty() && attribute.id == entry.id && attribute.isNonResident;
    });
    std::vector<Run> runs;
    bool isGood = view.isInUse() && view.baseReference == reference(kMftRecord, base.sequence) &&
                  part != view.attributes.end() && part->lowestVcn == entry.lowestVcn && part->lowestVcn == clusters_ &&
                  decodeRuns(part->mappingPairs, geometry_.clusterCount, runs, geometry_.clusterCount - clusters_);
    if (!isGood)
      return Status(ErrorCode::NTFS_DAMAGED,
                    "the part of $MFT at its cluster " + std::to_string(entry.lowestVcn) + " cannot be found");
    DISKFERRY_TRY(addRuns(runs));
  }
  return Status::ok();
}

Status MftAccess::readRaw(Sectors& volume, uint64_t firstRecord, std::span<std::byte> into) const {
  return readRuns(volume, geometry_, runs_, firstRecord * geometry_.recordBytes, into);
}

Status MftAccess::readRecord(Sectors& volume, uint64_t number, std::span<std::byte> record, RecordView& view) const {
  std::string name = "MFT record " + std::to_string(number);
  if (number >= recordCount_)
    return Status(ErrorCode::NTFS_DAMAGED, name + " is beyond the table's " + std::to_string(recordCount_));
  // A record is at least a sector, but on large sectors it may be smaller than the device's: read is by NTFS sectors.
  DISKFERRY_TRY(readRaw(volume, number, record));
  if (!removeFixups(record)) return Status(ErrorCode::NTFS_DAMAGED, name + " was written in part: its fix-ups differ");
  if (const char* problem = parseRecord(record, view))
    return Status(ErrorCode::NTFS_DAMAGED, name + " is damaged: " + problem);
  if (view.isInUse() && view.hasNumber && view.number != number)  // mkntfs does not number those that are in no use
    return Status(ErrorCode::NTFS_DAMAGED, name + " says it is record " + std::to_string(view.number));
  return Status::ok();
}

Result<std::vector<std::byte>> readAttribute(Sectors& volume, const Geometry& geometry, const Attribute& attribute,
                                             uint64_t limitBytes) {
  if (attribute.dataBytes > limitBytes)
    return Status(ErrorCode::NTFS_UNSUPPORTED, "an attribute of " + std::to_string(attribute.dataBytes) +
                                                   " bytes is larger than the " + std::to_string(limitBytes) +
                                                   " expected");
  if (!attribute.isNonResident) return std::vector<std::byte>(attribute.value.begin(), attribute.value.end());
  std::vector<Run> runs;
  DISKFERRY_TRY(attributeRuns(geometry, attribute, runs));
  AlignedBuffer buffer(alignUp(attribute.dataBytes, geometry.sectorBytes));
  DISKFERRY_TRY(readRuns(volume, geometry, runs, 0, buffer.bytes()));
  return std::vector<std::byte>(buffer.data(), buffer.data() + attribute.dataBytes);
}

}  // namespace diskferry::ntfs
