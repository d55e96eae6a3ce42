// A whole file tree as NTFS, planned before a byte is written: where every record, index block and file cluster will
// lie. The plan depends on nothing but its arguments, so a resumed job makes the same one. Afterwards the metadata is
// generated piece by piece while it is written; no image of the volume exists at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hash/md5_lanes.h"
#include "ntfs/names.h"
#include "sectors.h"
#include "status.h"

namespace diskferry::ntfs {

// The columns of src/file-tree.ts. Names are UTF-8, one after the other; name i ends at ends[i]. Directory 0 is the
// root, a directory's parent has a lower index. plan() copies what it needs.
struct TreeColumns {
  std::span<const uint32_t> directoryParent;
  std::span<const std::byte> directoryNames;
  std::span<const uint32_t> directoryNameEnds;
  std::span<const uint32_t> fileDirectory;
  std::span<const std::byte> fileNames;
  std::span<const uint32_t> fileNameEnds;
  std::span<const double> fileSizeBytes;
  std::span<const int64_t> fileModifiedNs;
};

// Files of \System Volume Information whose clusters others will write. A group is contiguous, each file begins on a
// cluster, and the group lies at the first free place at or after notBeforeBytes.
struct SystemFile {
  std::string name;
  uint64_t sizeBytes;
};
struct SystemFileGroup {
  uint64_t notBeforeBytes;
  std::vector<SystemFile> files;
};

struct NameProblem {
  bool isDirectory = false;
  uint32_t index = 0;
  NameReason reason = NameReason::invalidCharacter;
  // For NameReason::duplicate: the first of those with the same name.
  bool hasOther = false;
  bool otherIsDirectory = false;
  uint32_t otherIndex = 0;
};

// Why there is no plan.
struct PlanProblems {
  std::vector<NameProblem> names;  // NTFS_NAMES: all of them, directories first, by index
  uint64_t neededBytes = 0;        // NTFS_NO_SPACE
  uint64_t freeBytes = 0;
};

struct LayoutStats {
  uint64_t clusterBytes = 0;
  uint64_t volumeBytes = 0;
  uint64_t freeClustersBefore = 0;
  uint64_t metadataClusters = 0;  // what this plan adds for anything but file data
  uint64_t dataClusters = 0;
  uint64_t freeClustersAfter = 0;
};

struct Extent {
  uint32_t lcn;
  uint32_t count;
};

struct WriteOptions {
  // Left out entirely: no record, no index entry, clusters free. Other files stay where they were planned.
  std::vector<uint32_t> droppedFiles;
  // Files that became shorter than planned; their last clusters become free.
  std::vector<std::pair<uint32_t, uint64_t>> actualSizes;
};

// What was written where, so that a later read-back can name what is damaged.
struct MetadataRange {
  uint64_t offsetBytes;
  uint32_t lengthBytes;
  Md5Digest md5;
  std::string structure;
};

struct LayoutPlan;

class Layout {
 public:
  // NTFS_NAMES and NTFS_NO_SPACE fill `problems`; INTERNAL means that the columns contradict themselves.
  static Result<std::shared_ptr<Layout>> plan(std::span<const std::byte> skeleton, const TreeColumns& tree,
                                              std::span<const SystemFileGroup> groups, PlanProblems& problems);
  ~Layout();

  const LayoutStats& stats() const;
  // Bytes from the start of the volume, per group and file.
  std::vector<std::vector<uint64_t>> systemFileOffsets() const;
  uint32_t fileCount() const;
  // A file's clusters, in its order; ascending over all files but for the few that cross a stretch of free space.
  std::span<const Extent> extentsOf(uint32_t file) const;

  // Writes all metadata in ascending order, the clusters of system files and of file data excepted, and the backup boot
  // sector last. Does not flush. Thread-safe. On failure the volume's metadata is undefined.
  Result<std::vector<MetadataRange>> write(Sectors& volume, const WriteOptions& options) const;

 private:
  explicit Layout(std::unique_ptr<LayoutPlan> plan);
  std::unique_ptr<const LayoutPlan> plan_;
};

}  // namespace diskferry::ntfs
