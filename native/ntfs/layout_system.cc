// The system's 64 records as they will be on the volume: mkntfs's, with the new places and sizes of $MFT, the root's
// new index, one security descriptor more, and nothing left in their padding.
#include <algorithm>

#include "little_endian.h"
#include "ntfs/fixups.h"
#include "ntfs/layout_content.h"
#include "ntfs/security.h"

namespace diskferry::ntfs {

std::span<std::byte> LayoutContent::systemRecord(uint32_t number) {
  size_t recordBytes = plan_.geometry().recordBytes;
  return std::span(systemRecords_).subspan(number * recordBytes, recordBytes);
}

Status LayoutContent::buildSystemRecords() {
  const SystemFiles& system = plan_.system;
  systemRecords_.resize(size_t{kFirstUserRecord} * plan_.geometry().recordBytes);
  for (uint32_t number = 0; number < kFirstUserRecord; number++) {
    std::span<std::byte> record = systemRecord(number);
    // mkntfs fills the last cluster of its table with free records of another make.
    bool isFree = number >= 24 && (number >= system.recordCount || !system.view(number).isInUse());
    if (isFree) {
      buildUnusedRecord(record, number);
      continue;
    }
    std::ranges::copy(system.record(number), record.begin());
    clearPadding(record);
    applyFixups(record, load16(record.data() + load16(record.data() + 4)));
  }
  rootEntries_ = system.rootEntries;
  securityStream_ = system.securityStream;
  DISKFERRY_TRY(buildMftRecord());
  DISKFERRY_TRY(buildRootRecord());
  return addEveryoneDescriptor(securityStream_, system.securityAllocatedBytes, system.view(kSecureRecord),
                               systemRecord(kSecureRecord));
}

// $MFT's own record, and its entry in the root directory, have its new runs and sizes.
Status LayoutContent::buildMftRecord() {
  RecordView view = plan_.system.view(kMftRecord);
  uint32_t clusterBytes = plan_.geometry().clusterBytes;
  uint64_t mftBytes = uint64_t{plan_.recordCount} * plan_.geometry().recordBytes;
  RecordBuilder builder(systemRecord(kMftRecord), kMftRecord, view.sequence, view.linkCount, view.flags);
  for (const Attribute& attribute : view.attributes) {
    if (attribute.type == kFileName && attribute.value.size() >= kFileNameHeaderBytes) {
      std::vector<std::byte> value(attribute.value.begin(), attribute.value.end());
      store64(value.data() + 0x28, clustersOf(plan_.mftRuns) * clusterBytes);
      store64(value.data() + 0x30, mftBytes);
      builder.replaceResident(attribute, value);
      for (RootEntry& entry : rootEntries_)
        if (referencedRecord(entry.reference) == kMftRecord) entry.fileName = value;
    } else if (attribute.type == kData) {
      builder.replaceNonResident(attribute, plan_.mftRuns, clusterBytes, mftBytes);
    } else if (attribute.type == kBitmap) {
      builder.replaceNonResident(attribute, plan_.mftBitmapRuns, clusterBytes, plan_.recordCount / 8);
    } else {
      builder.copy(attribute);
    }
  }
  return builder.finish() ? Status::ok() : Status(ErrorCode::NTFS_UNSUPPORTED, "MFT record 0 has no room for its runs");
}

Status LayoutContent::buildRootRecord() {
  RecordView view = plan_.system.view(kRootRecord);
  RecordBuilder builder(systemRecord(kRootRecord), kRootRecord, view.sequence, view.linkCount, view.flags);
  for (const Attribute& attribute : view.attributes)
    if (attribute.type < kIndexRoot) builder.copy(attribute);
  addLargeIndex(builder, 0, blocksOf(0));
  return builder.finish() ? Status::ok()
                          : Status(ErrorCode::NTFS_UNSUPPORTED, "the root's record has no room for its index");
}

}  // namespace diskferry::ntfs
