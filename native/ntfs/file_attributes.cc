#include "ntfs/file_attributes.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "io/aligned_buffer.h"

namespace diskferry::ntfs {

namespace {

Status damaged(uint64_t number, const std::string& what) {
  return Status(ErrorCode::NTFS_DAMAGED, "MFT record " + std::to_string(number) + " " + what);
}

bool comesBefore(const Attribute* a, const Attribute* b) {
  return std::tie(a->type, a->name, a->lowestVcn) < std::tie(b->type, b->name, b->lowestVcn);
}

}  // namespace

Status FileAttributes::collect(Sectors& volume, const Geometry& geometry, const MftAccess& mft, uint64_t number,
                               const RecordView& base) {
  hasList_ = false;
  unlistedCount_ = 0;
  extensions_.clear();
  const Attribute* list = base.find(kAttributeList);
  if (list == nullptr) {
    takeBase(base);
    return Status::ok();
  }
  hasList_ = true;
  Status status = followList(volume, geometry, mft, number, base, *list);
  if (!status.isOk()) takeBase(base);
  return status;
}

void FileAttributes::takeBase(const RecordView& base) {
  all_.clear();
  for (const Attribute& attribute : base.attributes) all_.push_back(&attribute);
}

Status FileAttributes::followList(Sectors& volume, const Geometry& geometry, const MftAccess& mft, uint64_t number,
                                  const RecordView& base, const Attribute& list) {
  if (list.isNonResident && list.dataBytes > std::min(kAttributeListBytesMax, listBytesLeft_))
    return damaged(number, "has an attribute list of " + std::to_string(list.dataBytes) + " bytes, which is too long");
  if (list.isNonResident) listBytesLeft_ -= list.dataBytes;
  Result<std::vector<std::byte>> bytes = readAttribute(volume, geometry, list, kAttributeListBytesMax);
  if (!bytes.isOk())
    return Status(bytes.status().code(), "the attribute list of MFT record " + std::to_string(number) +
                                             " cannot be read: " + bytes.status().message());
  if (!parseAttributeList(bytes.value(), entries_)) return damaged(number, "has a damaged attribute list");

  all_.clear();
  for (const AttributeListEntry& entry : entries_) {
    if (entry.type == kAttributeList) continue;
    Result<const RecordView*> view = recordOf(volume, geometry, mft, number, base, entry.reference);
    if (!view.isOk()) return view.status();
    auto isNamed = [&](const Attribute& attribute) {
      return attribute.type == entry.type && attribute.id == entry.id && attribute.name == entry.name;
    };
    auto found = std::ranges::find_if(view.value()->attributes, isNamed);
    if (found == view.value()->attributes.end() || (found->isNonResident && found->lowestVcn != entry.lowestVcn))
      return damaged(number, "has an attribute list that names an attribute of type " + std::to_string(entry.type) +
                                 " in record " + std::to_string(referencedRecord(entry.reference)) +
                                 ", which does not have it");
    all_.push_back(&*found);
  }
  std::vector<const Attribute*> sorted = all_;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    return damaged(number, "has an attribute list that names an attribute twice");
  size_t present = base.attributes.size() - 1;
  for (const auto& extension : extensions_) present += extension->view.attributes.size();
  unlistedCount_ = present - std::min(present, all_.size());
  std::ranges::stable_sort(all_, comesBefore);
  return Status::ok();
}

Result<const RecordView*> FileAttributes::recordOf(Sectors& volume, const Geometry& geometry, const MftAccess& mft,
                                                   uint64_t number, const RecordView& base, uint64_t reference) {
  uint64_t record = referencedRecord(reference);
  if (record == number) return &base;
  auto place = std::ranges::lower_bound(extensions_, record, {}, [](const auto& known) { return known->record; });
  if (place != extensions_.end() && (*place)->record == record) return &(*place)->view;
  auto made = std::make_unique<Extension>();
  made->record = static_cast<uint32_t>(record);
  made->bytes.resize(geometry.recordBytes);
  Status status = mft.readRecord(volume, record, made->bytes, made->view);
  if (!status.isOk()) return Status(status.code(), "of MFT record " + std::to_string(number) + ": " + status.message());
  if (!made->view.isInUse() || made->view.baseReference != diskferry::ntfs::reference(number, base.sequence))
    return damaged(
        number, "has an attribute list that names record " + std::to_string(record) + ", which does not belong to it");
  return &(*extensions_.insert(place, std::move(made)))->view;
}

std::span<const Attribute* const> FileAttributes::parts(uint32_t type, std::u16string_view name) const {
  auto isPart = [&](const Attribute* attribute) { return attribute->type == type && attribute->name == name; };
  auto first = std::ranges::find_if(all_, isPart);
  return {first, std::find_if_not(first, all_.end(), isPart)};
}

const Attribute* FileAttributes::find(uint32_t type, std::u16string_view name) const {
  std::span<const Attribute* const> found = parts(type, name);
  return found.empty() ? nullptr : found[0];
}

std::vector<uint32_t> FileAttributes::extensionRecords() const {
  std::vector<uint32_t> records;
  for (const auto& extension : extensions_) records.push_back(extension->record);
  return records;
}

Status joinRuns(const Geometry& geometry, std::span<const Attribute* const> parts, uint64_t vcnLimit,
                std::vector<Run>& runs) {
  runs.clear();
  uint64_t clusters = 0;
  uint64_t allocated = 0;
  for (const Attribute* part : parts) {
    std::string name = "an attribute of type " + std::to_string(part->type);
    if (!part->isNonResident)
      return Status(ErrorCode::NTFS_DAMAGED, name + " should have runs but stands in its record");
    if (part->lowestVcn != clusters)
      return Status(ErrorCode::NTFS_DAMAGED, "a part of " + name + " begins at cluster " +
                                                 std::to_string(part->lowestVcn) + " instead of " +
                                                 std::to_string(clusters));
    size_t first = runs.size();
    if (!decodeRuns(part->mappingPairs, geometry.clusterCount, runs, vcnLimit))
      return Status(ErrorCode::NTFS_DAMAGED, "the run list of " + name + " cannot be read");
    for (const Run& run : std::span(runs).subspan(first)) {
      clusters += run.count;
      allocated += run.isSparse() ? 0 : run.count;
    }
    if (clusters > vcnLimit || allocated > geometry.clusterCount)
      return Status(ErrorCode::NTFS_DAMAGED, name + " claims more clusters than the volume has");
  }
  return Status::ok();
}

Status joinWholeRuns(const Geometry& geometry, std::span<const Attribute* const> parts, std::vector<Run>& runs) {
  DISKFERRY_TRY(joinRuns(geometry, parts, geometry.clusterCount, runs));
  if (!parts.empty() && parts[0]->dataBytes > clustersOf(runs) * geometry.clusterBytes)
    return Status(ErrorCode::NTFS_DAMAGED, "an attribute claims " + std::to_string(parts[0]->dataBytes) + " bytes in " +
                                               std::to_string(clustersOf(runs)) + " clusters");
  return Status::ok();
}

}  // namespace diskferry::ntfs
