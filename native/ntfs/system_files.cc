#include "ntfs/system_files.h"

#include <algorithm>

#include "little_endian.h"
#include "ntfs/fixups.h"
#include "ntfs/index_node.h"
#include "ntfs/mft_access.h"

namespace diskferry::ntfs {

namespace {

class SkeletonSectors final : public Sectors {
 public:
  explicit SkeletonSectors(const Skeleton& skeleton) : skeleton_(skeleton) {}
  uint64_t sizeBytes() const override { return skeleton_.geometry().volumeBytes(); }
  uint32_t sectorBytes() const override { return skeleton_.geometry().sectorBytes; }
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override {
    skeleton_.copy(offsetBytes, into);
    return Status::ok();
  }
  Status write(uint64_t, std::span<const std::byte>) override {
    return Status(ErrorCode::DEVICE_READ_ONLY, "a skeleton is only read");
  }
  Status flush() override { return Status::ok(); }

 private:
  const Skeleton& skeleton_;
};

Status unsupported(const std::string& what) {
  return Status(ErrorCode::NTFS_UNSUPPORTED, "the empty file system is not as mkntfs makes it: " + what);
}

Status loadRuns(const SystemFiles& files, const Geometry& geometry, uint32_t record, uint32_t type,
                std::u16string_view name, std::vector<Run>& runs, uint64_t* dataBytes = nullptr) {
  RecordView view = files.view(record);
  const Attribute* attribute = view.find(type, name);
  if (attribute == nullptr) return unsupported("record " + std::to_string(record) + " lacks an attribute");
  DISKFERRY_TRY(attributeRuns(geometry, *attribute, runs));
  for (const Run& run : runs)
    if (run.isSparse()) return unsupported("record " + std::to_string(record) + " is sparse");
  if (dataBytes != nullptr) *dataBytes = attribute->dataBytes;
  return Status::ok();
}

// Every cluster with its owner. What no attribute owns, or two do, is a skeleton that we do not understand.
Status collectOwned(SystemFiles& files, const Skeleton& skeleton) {
  for (uint32_t number = 0; number < files.recordCount; number++) {
    RecordView view = files.view(number);
    if (!view.isInUse()) continue;
    for (const Attribute& attribute : view.attributes) {
      if (attribute.type == kAttributeList) return unsupported("it has an attribute list");
      if (!attribute.isNonResident) continue;
      std::vector<Run> runs;
      if (!decodeRuns(attribute.mappingPairs, skeleton.geometry().clusterCount, runs))
        return unsupported("a run list cannot be read");
      uint64_t vcn = 0;
      for (const Run& run : runs) {
        if (!run.isSparse()) files.owned.push_back({{run.lcn, run.count}, number, attribute.type, vcn});
        vcn += run.count;
      }
    }
  }
  std::ranges::sort(files.owned, {}, [](const OwnedRange& owned) { return owned.range.lcn; });
  std::vector<ClusterRange> merged;
  for (const OwnedRange& owned : files.owned) {
    if (!merged.empty() && merged.back().end() > owned.range.lcn) return unsupported("two attributes share clusters");
    if (!merged.empty() && merged.back().end() == owned.range.lcn)
      merged.back().count += owned.range.count;
    else
      merged.push_back(owned.range);
  }
  auto isEqual = [](const ClusterRange& a, const ClusterRange& b) { return a.lcn == b.lcn && a.count == b.count; };
  if (!std::ranges::equal(merged, skeleton.used(), isEqual)) return unsupported("$Bitmap and the records disagree");
  return Status::ok();
}

Status loadRoot(SystemFiles& files, const Geometry& geometry, SkeletonSectors& sectors) {
  RecordView root = files.view(kRootRecord);
  const Attribute* information = root.find(kStandardInformation);
  const Attribute* indexRoot = root.find(kIndexRoot, u"$I30");
  if (information == nullptr || information->value.size() < 48 || indexRoot == nullptr || !root.isDirectory())
    return unsupported("the root directory lacks an attribute");
  files.createdTime = load64(information->value.data());
  DISKFERRY_TRY(loadRuns(files, geometry, kRootRecord, kIndexAllocation, u"$I30", files.rootIndexRuns));
  std::vector<std::byte> block(geometry.indexBytes);
  DISKFERRY_TRY(readRuns(sectors, geometry, files.rootIndexRuns, 0, block));
  IndexNode node;
  if (!removeFixups(block) || parseIndexBlock(block, 0, false, node) != nullptr || node.hasChildren)
    return unsupported("the root directory's index cannot be read");
  for (const IndexEntry& entry : node.entries) {
    if (entry.isLast()) break;
    RootEntry found{entry.reference, {}, {entry.key.begin(), entry.key.end()}};
    FileName name;
    if (!loadFileName(entry.key, name, found.name)) return unsupported("the root directory's index has a bad name");
    files.rootEntries.push_back(std::move(found));
  }
  return Status::ok();
}

}  // namespace

std::span<const std::byte> SystemFiles::record(uint32_t number) const {
  return std::span(records).subspan(static_cast<size_t>(number) * recordBytes, recordBytes);
}

RecordView SystemFiles::view(uint32_t number) const {
  RecordView view;
  (void)parseRecord(record(number), view);
  return view;
}

Result<SystemFiles> SystemFiles::load(const Skeleton& skeleton) {
  const Geometry& geometry = skeleton.geometry();
  if (geometry.clusterBytes > 65536 || geometry.indexBytes != 4096)
    return unsupported("clusters of " + std::to_string(geometry.clusterBytes) + " or index blocks of " +
                       std::to_string(geometry.indexBytes) + " bytes");
  SkeletonSectors sectors(skeleton);
  Result<MftAccess> mft = MftAccess::open(sectors, geometry);
  if (!mft.isOk()) return mft.status();
  SystemFiles files;
  files.recordBytes = geometry.recordBytes;
  files.recordCount = static_cast<uint32_t>(std::min<uint64_t>(mft.value().recordCount(), kFirstUserRecord));
  if (mft.value().recordCount() > kFirstUserRecord) return unsupported("it has more than 64 records");
  files.records.resize(static_cast<size_t>(files.recordCount) * geometry.recordBytes);
  for (uint32_t number = 0; number < files.recordCount; number++) {
    RecordView view;
    auto record =
        std::span(files.records).subspan(static_cast<size_t>(number) * geometry.recordBytes, geometry.recordBytes);
    DISKFERRY_TRY(mft.value().readRecord(sectors, number, record, view));
  }
  if (files.recordCount <= kExtendRecord) return unsupported("system records are missing");

  uint64_t mirrorBytes = 0;
  uint64_t mftBitmapBytes = 0;
  uint64_t securityBytes = 0;
  DISKFERRY_TRY(loadRuns(files, geometry, kMftRecord, kData, u"", files.mftRuns));
  DISKFERRY_TRY(loadRuns(files, geometry, kMftRecord, kBitmap, u"", files.mftBitmapRuns, &mftBitmapBytes));
  DISKFERRY_TRY(loadRuns(files, geometry, kMirrorRecord, kData, u"", files.mirrorRuns, &mirrorBytes));
  DISKFERRY_TRY(loadRuns(files, geometry, kBitmapRecord, kData, u"", files.bitmapRuns, &files.bitmapBytes));
  DISKFERRY_TRY(loadRuns(files, geometry, kSecureRecord, kData, u"$SDS", files.securityRuns, &securityBytes));
  uint64_t recordUnit = divideUp(geometry.recordBytes, geometry.clusterBytes);
  if (files.mftRuns.size() != 1 || files.mftRuns[0].count % recordUnit != 0 ||
      files.mftRuns[0].count * geometry.clusterBytes > uint64_t{kFirstUserRecord} * geometry.recordBytes)
    return unsupported("$MFT has an unexpected length or several runs");
  if (files.bitmapBytes * 8 < geometry.clusterCount) return unsupported("$Bitmap is shorter than the volume");
  files.mirrorRecordCount = mirrorBytes / geometry.recordBytes;
  files.securityAllocatedBytes = clustersOf(files.securityRuns) * geometry.clusterBytes;

  RecordView view = files.view(kUpcaseRecord);
  const Attribute* upcase = view.find(kData);
  if (upcase == nullptr || upcase->dataBytes != 131072) return unsupported("$UpCase is not 128 KiB");
  Result<std::vector<std::byte>> table = readAttribute(sectors, geometry, *upcase, 131072);
  if (!table.isOk()) return table.status();
  files.upcase = Upcase(table.value());
  if (files.securityAllocatedBytes > 1 << 20) return unsupported("$Secure is larger than 1 MiB");
  std::vector<std::byte> stream(files.securityAllocatedBytes);
  DISKFERRY_TRY(readRuns(sectors, geometry, files.securityRuns, 0, stream));
  stream.resize(securityBytes);
  files.securityStream = std::move(stream);
  DISKFERRY_TRY(loadRoot(files, geometry, sectors));
  DISKFERRY_TRY(collectOwned(files, skeleton));
  return files;
}

}  // namespace diskferry::ntfs
