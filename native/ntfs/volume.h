// An NTFS volume that is read, whoever wrote it: its tree as columns, and any file of it. What cannot be read, such as
// an encrypted file, is in the tree and says so. A hostile volume gives errors, never more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "finding.h"
#include "ntfs/file_data.h"
#include "ntfs/geometry.h"
#include "ntfs/mft_access.h"
#include "sectors.h"
#include "status.h"

namespace diskferry::ntfs {

// The columns of src/file-tree.ts, and where each file is. Files are in the order of their records; a file with several
// names (hard links) is there once for each.
struct VolumeTree {
  std::vector<uint32_t> directoryParent;
  std::string directoryNames;
  std::vector<uint32_t> directoryNameEnds;
  std::vector<uint32_t> fileDirectory;
  std::string fileNames;
  std::vector<uint32_t> fileNameEnds;
  std::vector<double> fileSizeBytes;
  std::vector<int64_t> fileModifiedNs;
  std::vector<uint32_t> fileRecord;
  std::vector<FileAccess> fileAccess;
  std::vector<uint32_t> firstExtent;  // extents only where the access is by extents
  std::vector<double> extentOffsetBytes;
  std::vector<double> extentLengthBytes;
  // Records in use that could not be read or are not reachable from the root: none on a good volume.
  uint64_t unreachableRecords = 0;
};

// False for a name that must not become a part of a path anywhere: ".", "..", one with a separator of either kind or a
// zero in it.
bool isPathPart(std::u16string_view name);

class NtfsVolume {
 public:
  // NTFS_DAMAGED, NTFS_UNSUPPORTED, or what reading gives.
  static Result<std::shared_ptr<NtfsVolume>> open(std::shared_ptr<Sectors> sectors);

  const Geometry& geometry() const { return geometry_; }
  const std::string& label() const { return label_; }
  Sectors& sectors() const { return *sectors_; }
  const MftAccess& mft() const { return mft_; }

  // Every file and directory of the user: NTFS's own and System Volume Information are left out. Only the unnamed data
  // of a file counts, and short names beside long ones do not.
  Result<VolumeTree> readTree() const;
  // Reads up to into.size() bytes of a file's data from offsetBytes on; returns how many, 0 at its end. What lies
  // beyond the initialized size reads as zeros. NTFS_UNSUPPORTED or NTFS_DAMAGED for files with FileAccess::none.
  // Thread-safe; the run lists of the last few files are kept.
  Result<size_t> readFile(uint64_t record, uint64_t offsetBytes, std::span<std::byte> into) const;

  // Walks every record, every index and every run. Empty for a volume that is exactly as we write it. At most about a
  // thousand findings; the last then says how many more there are. What cannot be read is a finding too.
  Result<std::vector<Finding>> check() const;

 private:
  explicit NtfsVolume(std::shared_ptr<Sectors> sectors) : sectors_(std::move(sectors)) {}

  struct OpenedFile {
    uint64_t record = 0;
    std::shared_ptr<const FileReader> reader;
  };
  static constexpr size_t kOpenedMax = 4;

  Result<std::shared_ptr<const FileReader>> openFile(uint64_t record) const;

  std::shared_ptr<Sectors> sectors_;
  Geometry geometry_;
  MftAccess mft_;
  std::string label_;
  mutable std::mutex openedMutex_;
  mutable std::vector<OpenedFile> opened_;  // the last used first
};

}  // namespace diskferry::ntfs
