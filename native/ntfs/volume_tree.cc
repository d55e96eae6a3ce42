// Reading the tree of a volume: one pass over $MFT, then directories are put in an order in which parents come first.
// The indexes are not needed for that, which makes a damaged one no obstacle.
#include <algorithm>
#include <cstring>
#include <limits>

#include "io/aligned_buffer.h"
#include "little_endian.h"
#include "ntfs/fixups.h"
#include "ntfs/names.h"
#include "ntfs/volume.h"

namespace diskferry::ntfs {

namespace {

constexpr uint32_t kNone = ~0u;
constexpr uint32_t kHidden = kNone - 1;

int64_t unixNsOf(uint64_t ticks) {
  // Beyond the years 1678 to 2262 64-bit nanoseconds end; nobody's file is there.
  constexpr int64_t limit = std::numeric_limits<int64_t>::max() / 100;
  int64_t unixTicks =
      static_cast<int64_t>(std::min<uint64_t>(ticks, std::numeric_limits<int64_t>::max())) - kUnixEpochTicks;
  return std::clamp(unixTicks, -limit, limit) * 100;
}

struct FoundDirectory {
  uint32_t record;
  uint32_t parentRecord;
  uint32_t nameStart;
  uint32_t nameBytes;
  uint32_t index = kNone;  // in the tree; kHidden below NTFS's own directories
};

class TreeReader {
 public:
  explicit TreeReader(const NtfsVolume& volume) : volume_(volume) {}

  Result<VolumeTree> read() {
    DISKFERRY_TRY(readRecords());
    orderDirectories();
    keepReachableFiles();
    return std::move(tree_);
  }

 private:
  Status readRecords() {
    uint32_t recordBytes = volume_.geometry().recordBytes;
    uint64_t count = volume_.mft().recordCount();
    uint64_t step = (1u << 20) / recordBytes;
    AlignedBuffer buffer(step * recordBytes);
    for (uint64_t first = kFirstNamedRecord; first < count; first += step) {
      auto part = buffer.bytes().first(static_cast<size_t>(std::min(step, count - first)) * recordBytes);
      DISKFERRY_TRY(volume_.mft().readRaw(volume_.sectors(), first, part));
      for (size_t i = 0; i * recordBytes < part.size(); i++)
        DISKFERRY_TRY(takeRecord(static_cast<uint32_t>(first + i), part.subspan(i * recordBytes, recordBytes)));
    }
    return Status::ok();
  }

  Status takeRecord(uint32_t number, std::span<std::byte> record) {
    if (load32(record.data()) == 0) return Status::ok();
    if (!removeFixups(record) || parseRecord(record, view_) != nullptr) {
      tree_.unreachableRecords++;
      return Status::ok();
    }
    if (!view_.isInUse()) return Status::ok();
    std::string where = "MFT record " + std::to_string(number);
    if (view_.baseReference != 0 || view_.find(kAttributeList) != nullptr)
      return Status(ErrorCode::NTFS_UNSUPPORTED, where + " uses an attribute list, which is not supported");
    FileName name;
    if (!findName(name) || referencedRecord(name.parent) >= volume_.mft().recordCount()) {
      tree_.unreachableRecords++;
      return Status::ok();
    }
    nameUtf8_.clear();
    appendUtf8(name.name, nameUtf8_);
    if (names_.size() + nameUtf8_.size() >= kHidden)
      return Status(ErrorCode::NTFS_UNSUPPORTED, "the names on the volume take more than 4 GiB");
    auto parent = static_cast<uint32_t>(referencedRecord(name.parent));
    if (!view_.isDirectory()) return takeFile(number, parent, name, where);
    directories_.push_back(
        {number, parent, static_cast<uint32_t>(names_.size()), static_cast<uint32_t>(nameUtf8_.size())});
    names_ += nameUtf8_;
    return Status::ok();
  }

  bool findName(FileName& name) {
    for (const Attribute& attribute : view_.attributes)
      if (attribute.type == kFileName && !attribute.isNonResident && loadFileName(attribute.value, name, nameUnits_) &&
          name.nameSpace != kNamespaceDos)
        return true;
    return false;
  }

  Status takeFile(uint32_t number, uint32_t parent, const FileName& name, const std::string& where) {
    const Attribute* data = view_.find(kData);
    if (data == nullptr) return Status::ok();  // a view index of NTFS's own
    tree_.firstExtent.push_back(static_cast<uint32_t>(tree_.extentOffsetBytes.size()));
    if (data->isNonResident) {
      if (data->flags != 0)
        return Status(ErrorCode::NTFS_UNSUPPORTED,
                      where + " is compressed, encrypted or sparse, which is not supported");
      Status status = attributeRuns(volume_.geometry(), *data, runs_);
      if (!status.isOk()) return Status(status.code(), where + ": " + status.message());
      uint32_t clusterBytes = volume_.geometry().clusterBytes;
      for (const Run& run : runs_) {
        if (run.isSparse()) return Status(ErrorCode::NTFS_UNSUPPORTED, where + " is sparse, which is not supported");
        tree_.extentOffsetBytes.push_back(static_cast<double>(run.lcn * clusterBytes));
        tree_.extentLengthBytes.push_back(static_cast<double>(run.count * clusterBytes));
      }
    }
    const Attribute* information = view_.find(kStandardInformation);
    bool hasTimes = information != nullptr && information->value.size() >= 16;
    uint64_t modified = hasTimes ? load64(information->value.data() + 8) : name.times[1];
    tree_.fileRecord.push_back(number);
    tree_.fileDirectory.push_back(parent);
    tree_.fileNames += nameUtf8_;
    tree_.fileNameEnds.push_back(static_cast<uint32_t>(tree_.fileNames.size()));
    tree_.fileSizeBytes.push_back(static_cast<double>(data->dataBytes));
    tree_.fileModifiedNs.push_back(unixNsOf(modified));
    return tree_.fileNames.size() < kHidden
               ? Status::ok()
               : Status(ErrorCode::NTFS_UNSUPPORTED, "the names on the volume take more than 4 GiB");
  }

  // The tree index of the directory with that record.
  uint32_t indexOf(uint32_t record) const {
    if (record == kRootRecord) return 0;
    if (record < kFirstNamedRecord) return kHidden;
    auto at = std::ranges::lower_bound(directories_, record, {}, &FoundDirectory::record);
    return at != directories_.end() && at->record == record ? at->index : kNone;
  }

  // Breadth-first from the root; what is never met hangs on nothing, or in a circle.
  void orderDirectories() {
    std::vector<uint32_t> byParent(directories_.size());
    for (uint32_t i = 0; i < byParent.size(); i++) byParent[i] = i;
    auto parentOf = [&](uint32_t i) { return directories_[i].parentRecord; };
    std::ranges::stable_sort(byParent, {}, parentOf);
    addDirectory(0, "");
    std::vector<uint32_t> queue;  // records whose children are next
    for (uint32_t record = 0; record < kFirstNamedRecord; record++) queue.push_back(record);
    std::swap(queue[0], queue[kRootRecord]);
    for (size_t i = 0; i < queue.size(); i++) {
      uint32_t parentIndex = indexOf(queue[i]);
      auto children = std::ranges::equal_range(byParent, queue[i], {}, parentOf);
      for (uint32_t child : children) {
        FoundDirectory& directory = directories_[child];
        std::string_view name = std::string_view(names_).substr(directory.nameStart, directory.nameBytes);
        bool isHidden = parentIndex == kHidden || (parentIndex == 0 && name == "System Volume Information");
        directory.index = isHidden ? kHidden : addDirectory(parentIndex, name);
        queue.push_back(directory.record);
      }
    }
    for (const FoundDirectory& directory : directories_) tree_.unreachableRecords += directory.index == kNone;
  }

  uint32_t addDirectory(uint32_t parent, std::string_view name) {
    tree_.directoryParent.push_back(parent);
    tree_.directoryNames += name;
    tree_.directoryNameEnds.push_back(static_cast<uint32_t>(tree_.directoryNames.size()));
    return static_cast<uint32_t>(tree_.directoryParent.size()) - 1;
  }

  // Moves the columns of the files that stay to the front, in place.
  void keepReachableFiles() {
    size_t files = tree_.fileRecord.size();
    tree_.firstExtent.push_back(static_cast<uint32_t>(tree_.extentOffsetBytes.size()));
    size_t kept = 0;
    size_t keptExtents = 0;
    size_t keptNames = 0;
    for (size_t file = 0; file < files; file++) {
      uint32_t directory = indexOf(tree_.fileDirectory[file]);
      tree_.unreachableRecords += directory == kNone;
      size_t nameStart = nameStart_;
      nameStart_ = tree_.fileNameEnds[file];
      if (directory == kNone || directory == kHidden) continue;
      std::memmove(tree_.fileNames.data() + keptNames, tree_.fileNames.data() + nameStart, nameStart_ - nameStart);
      keptNames += nameStart_ - nameStart;
      uint32_t firstExtent = tree_.firstExtent[file];
      uint32_t endExtent = tree_.firstExtent[file + 1];
      tree_.firstExtent[kept] = static_cast<uint32_t>(keptExtents);
      for (uint32_t extent = firstExtent; extent < endExtent; extent++, keptExtents++) {
        tree_.extentOffsetBytes[keptExtents] = tree_.extentOffsetBytes[extent];
        tree_.extentLengthBytes[keptExtents] = tree_.extentLengthBytes[extent];
      }
      tree_.fileDirectory[kept] = directory;
      tree_.fileNameEnds[kept] = static_cast<uint32_t>(keptNames);
      tree_.fileRecord[kept] = tree_.fileRecord[file];
      tree_.fileSizeBytes[kept] = tree_.fileSizeBytes[file];
      tree_.fileModifiedNs[kept] = tree_.fileModifiedNs[file];
      kept++;
    }
    tree_.fileNames.resize(keptNames);
    tree_.fileDirectory.resize(kept);
    tree_.fileNameEnds.resize(kept);
    tree_.fileRecord.resize(kept);
    tree_.fileSizeBytes.resize(kept);
    tree_.fileModifiedNs.resize(kept);
    tree_.extentOffsetBytes.resize(keptExtents);
    tree_.extentLengthBytes.resize(keptExtents);
    tree_.firstExtent.resize(kept + 1);
    tree_.firstExtent[kept] = static_cast<uint32_t>(keptExtents);
  }

  const NtfsVolume& volume_;
  VolumeTree tree_;
  RecordView view_;
  std::u16string nameUnits_;
  std::string nameUtf8_;
  std::vector<Run> runs_;
  std::string names_;  // of directories
  std::vector<FoundDirectory> directories_;
  size_t nameStart_ = 0;
};

}  // namespace

Result<VolumeTree> NtfsVolume::readTree() const { return TreeReader(*this).read(); }

}  // namespace diskferry::ntfs
