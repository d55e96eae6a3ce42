// The content of a file: how its unnamed data is kept, and reading any part of it, compressed or with holes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ntfs/file_attributes.h"

namespace diskferry::ntfs {

// The numbers of the column fileAccess (src/addon/ntfs.ts).
enum class FileAccess : uint8_t {
  extents = 0,   // whole clusters hold all of it: they may be read as they are
  readFile = 1,  // in its record, compressed, with holes, or in part never written: only through reading the file
  none = 2,      // encrypted, elsewhere, or damaged
};

// What the attributes of a file say about its content.
struct FileContent {
  FileAccess access = FileAccess::extents;
  Status problem;  // for FileAccess::none: NTFS_UNSUPPORTED or NTFS_DAMAGED
  uint64_t dataBytes = 0;
  uint64_t initializedBytes = 0;  // what lies behind reads as zeros
  uint32_t unitClusters = 0;      // of a compressed file; 0: it is not
  bool isResident = false;
  std::span<const std::byte> value;  // of a resident one, in its record
  std::vector<Run> runs;
};

// Replaces `into`, keeping its memory. `collected` is what collecting the attributes gave: a file whose attribute list
// is damaged is one that cannot be read. A file without unnamed data is empty.
void describeContent(const Geometry& geometry, uint64_t record, const FileAttributes& attributes,
                     const Status& collected, FileContent& into);

// A file that is being read. Thread-safe.
class FileReader {
 public:
  // Takes what describeContent() gave, copying what stands in the record.
  explicit FileReader(FileContent content);

  // Reads up to into.size() bytes; how many is less only at the end of the file.
  Result<size_t> read(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes, std::span<std::byte> into) const;

 private:
  Status readPlain(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes, std::span<std::byte> into) const;
  Status readClusters(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes, std::span<std::byte> into) const;
  Status readCompressed(Sectors& volume, const Geometry& geometry, uint64_t offsetBytes,
                        std::span<std::byte> into) const;
  Status readUnits(Sectors& volume, const Geometry& geometry, uint64_t firstUnit, std::span<std::byte> into) const;
  size_t runAt(uint64_t vcn) const;

  FileContent content_;
  std::vector<std::byte> value_;
  std::vector<uint64_t> runEnds_;  // in clusters of the file
};

}  // namespace diskferry::ntfs
