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
#include "ntfs/windowed_reader.h"

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
  explicit TreeReader(const NtfsVolume& volume) : volume_(volume), reader_(volume.sectors()) {}

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
    Status collected = attributes_.collect(reader_, volume_.geometry(), volume_.mft(), number, view_);
    return view_.isDirectory() ? takeDirectory(number) : takeFile(number, collected);
  }

  // The next of the file's names from `from` on that can be part of a path; short ones beside others are passed over.
  bool nextName(size_t& from, FileName& name) {
    std::span<const Attribute* const> names = attributes_.parts(kFileName);
    while (from < names.size()) {
      const Attribute& attribute = *names[from++];
      bool isLoaded = !attribute.isNonResident && loadFileName(attribute.value, name, nameUnits_);
      if (isLoaded && name.nameSpace == kNamespaceDos && names.size() > 1) continue;
      if (isLoaded && isPathPart(name.name) && referencedRecord(name.parent) < volume_.mft().recordCount()) return true;
      tree_.unreachableRecords++;
    }
    return false;
  }

  Status takeDirectory(uint32_t number) {
    FileName name;
    size_t from = 0;
    if (!nextName(from, name)) {
      tree_.unreachableRecords += from == 0;
      return Status::ok();
    }
    size_t start = names_.size();
    appendUtf8(name.name, names_);
    if (names_.size() >= kHidden) return tooManyNames();
    directories_.push_back({number, static_cast<uint32_t>(referencedRecord(name.parent)), static_cast<uint32_t>(start),
                            static_cast<uint32_t>(names_.size() - start)});
    return Status::ok();
  }

  Status takeFile(uint32_t number, const Status& collected) {
    if (attributes_.find(kData) == nullptr && (view_.flags & kRecordHasViews) != 0) return Status::ok();
    describeContent(volume_.geometry(), number, attributes_, collected, content_);
    FileName name;
    size_t from = 0;
    unsigned taken = 0;
    for (; nextName(from, name); taken++) DISKFERRY_TRY(takeName(number, name, taken == 0));
    tree_.unreachableRecords += from == 0;
    return Status::ok();
  }

  Status takeName(uint32_t number, const FileName& name, bool isFirst) {
    tree_.firstExtent.push_back(static_cast<uint32_t>(tree_.extentOffsetBytes.size()));
    tree_.fileAccess.push_back(takeExtents(isFirst) ? content_.access : FileAccess::readFile);
    const Attribute* information = view_.find(kStandardInformation);
    bool hasTimes = information != nullptr && information->value.size() >= 16;
    uint64_t modified = hasTimes ? load64(information->value.data() + 8) : name.times[1];
    tree_.fileRecord.push_back(number);
    tree_.fileDirectory.push_back(static_cast<uint32_t>(referencedRecord(name.parent)));
    appendUtf8(name.name, tree_.fileNames);
    tree_.fileNameEnds.push_back(static_cast<uint32_t>(tree_.fileNames.size()));
    tree_.fileSizeBytes.push_back(static_cast<double>(content_.dataBytes));
    tree_.fileModifiedNs.push_back(unixNsOf(modified));
    return tree_.fileNames.size() < kHidden ? Status::ok() : tooManyNames();
  }

  static Status tooManyNames() {
    return Status(ErrorCode::NTFS_UNSUPPORTED, "the names on the volume take more than 4 GiB");
  }

  // False when there would be too many: thousands of names for one file in thousands of pieces.
  bool takeExtents(bool isFirst) {
    if (content_.access != FileAccess::extents) return true;
    if (!isFirst && content_.runs.size() > repeatedExtentsLeft_) return false;
    if (!isFirst) repeatedExtentsLeft_ -= content_.runs.size();
    uint32_t clusterBytes = volume_.geometry().clusterBytes;
    for (const Run& run : content_.runs) {
      tree_.extentOffsetBytes.push_back(static_cast<double>(run.lcn * clusterBytes));
      tree_.extentLengthBytes.push_back(static_cast<double>(run.count * clusterBytes));
    }
    return true;
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
      tree_.fileAccess[kept] = tree_.fileAccess[file];
      tree_.fileSizeBytes[kept] = tree_.fileSizeBytes[file];
      tree_.fileModifiedNs[kept] = tree_.fileModifiedNs[file];
      kept++;
    }
    tree_.fileNames.resize(keptNames);
    tree_.fileDirectory.resize(kept);
    tree_.fileNameEnds.resize(kept);
    tree_.fileRecord.resize(kept);
    tree_.fileAccess.resize(kept);
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
  WindowedReader reader_;  // for extension records
  FileAttributes attributes_;
  FileContent content_;
  uint64_t repeatedExtentsLeft_ = 1u << 22;
  std::u16string nameUnits_;
  std::string names_;  // of directories
  std::vector<FoundDirectory> directories_;
  size_t nameStart_ = 0;
};

}  // namespace

bool isPathPart(std::u16string_view name) {
  return name != u"." && name != u".." && name.find_first_of(std::u16string_view(u"/\\\0", 3)) == name.npos;
}

Result<VolumeTree> NtfsVolume::readTree() const { return TreeReader(*this).read(); }

}  // namespace diskferry::ntfs
