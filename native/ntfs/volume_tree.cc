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
    for (const auto& [record, what] : unsupported_)
      if (std::ranges::binary_search(tree_.fileRecord, record))
        return Status(ErrorCode::NTFS_UNSUPPORTED,
                      "MFT record " + std::to_string(record) + " " + what + ", which is not supported");
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
      bool isRead = volume_.mft().readRaw(volume_.sectors(), first, part).isOk();
      for (size_t i = 0; i * recordBytes < part.size(); i++) {
        std::span<std::byte> record = part.subspan(i * recordBytes, recordBytes);
        // One sector that cannot be read costs one record, not a thousand.
        if (isRead || volume_.mft().readRaw(volume_.sectors(), first + i, record).isOk())
          DISKFERRY_TRY(takeRecord(static_cast<uint32_t>(first + i), record));
        else
          tree_.unreachableRecords++;
      }
    }
    return Status::ok();
  }

  Status takeRecord(uint32_t number, std::span<std::byte> record) {
    if (load32(record.data()) == 0) return Status::ok();
    if (!removeFixups(record) || parseRecord(record, view_) != nullptr) {
      tree_.unreachableRecords++;
      return Status::ok();
    }
    if (!view_.isInUse() || view_.baseReference != 0) return Status::ok();
    FileName name;
    if (!findName(name) || !isPathPart(name.name) || referencedRecord(name.parent) >= volume_.mft().recordCount()) {
      tree_.unreachableRecords++;
      return Status::ok();
    }
    nameUtf8_.clear();
    appendUtf8(name.name, nameUtf8_);
    if (names_.size() + nameUtf8_.size() >= kHidden)
      return Status(ErrorCode::NTFS_UNSUPPORTED, "the names on the volume take more than 4 GiB");
    auto parent = static_cast<uint32_t>(referencedRecord(name.parent));
    if (!view_.isDirectory()) return takeFile(number, parent, name);
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

  Status takeFile(uint32_t number, uint32_t parent, const FileName& name) {
    const Attribute* data = view_.find(kData);
    if (data == nullptr && view_.find(kAttributeList) == nullptr) return Status::ok();  // a view index of NTFS's own
    runs_.clear();
    if (data != nullptr && data->isNonResident && data->flags == 0 &&
        !attributeRuns(volume_.geometry(), *data, runs_).isOk()) {
      tree_.unreachableRecords++;
      return Status::ok();
    }
    tree_.firstExtent.push_back(static_cast<uint32_t>(tree_.extentOffsetBytes.size()));
    if (const char* what = takeExtents(data)) unsupported_.emplace_back(number, what);
    const Attribute* information = view_.find(kStandardInformation);
    bool hasTimes = information != nullptr && information->value.size() >= 16;
    uint64_t modified = hasTimes ? load64(information->value.data() + 8) : name.times[1];
    tree_.fileRecord.push_back(number);
    tree_.fileDirectory.push_back(parent);
    tree_.fileNames += nameUtf8_;
    tree_.fileNameEnds.push_back(static_cast<uint32_t>(tree_.fileNames.size()));
    tree_.fileSizeBytes.push_back(data == nullptr ? 0 : static_cast<double>(data->dataBytes));
    tree_.fileModifiedNs.push_back(unixNsOf(modified));
    return tree_.fileNames.size() < kHidden
               ? Status::ok()
               : Status(ErrorCode::NTFS_UNSUPPORTED, "the names on the volume take more than 4 GiB");
  }

  // Null, or why the file's data is not simply in clusters.
  const char* takeExtents(const Attribute* data) {
    if (view_.find(kAttributeList) != nullptr) return "has an attribute list";
    if (data->flags != 0) return "is compressed, encrypted or sparse";
    uint32_t clusterBytes = volume_.geometry().clusterBytes;
    for (const Run& run : runs_) {
      if (run.isSparse()) return "is sparse";
      tree_.extentOffsetBytes.push_back(static_cast<double>(run.lcn * clusterBytes));
      tree_.extentLengthBytes.push_back(static_cast<double>(run.count * clusterBytes));
    }
    return nullptr;
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
  std::vector<std::pair<uint32_t, const char*>> unsupported_;
};

}  // namespace

bool isPathPart(std::u16string_view name) {
  return name != u"." && name != u".." && name.find_first_of(std::u16string_view(u"/\\\0", 3)) == name.npos;
}

Result<VolumeTree> NtfsVolume::readTree() const { return TreeReader(*this).read(); }

}  // namespace diskferry::ntfs
