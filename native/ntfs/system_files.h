// What the layout needs to know of a skeleton: its system records, parsed, and where they lie. The skeleton itself
// stays as it is; changed records are made from these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ntfs/names.h"
#include "ntfs/record.h"
#include "ntfs/skeleton.h"
#include "status.h"

namespace diskferry::ntfs {

// An entry that mkntfs put into the root directory.
struct RootEntry {
  uint64_t reference = 0;
  std::u16string name;
  std::vector<std::byte> fileName;  // the whole $FILE_NAME value
};

struct OwnedRange {
  ClusterRange range;
  uint32_t record = 0;
  uint32_t attributeType = 0;
  uint64_t firstVcn = 0;
};

struct SystemFiles {
  static Result<SystemFiles> load(const Skeleton& skeleton);

  std::span<const std::byte> record(uint32_t number) const;  // fix-ups removed
  // Parses record `number`; load() has seen that it can be parsed.
  RecordView view(uint32_t number) const;

  uint32_t recordBytes = 0;
  uint32_t recordCount = 0;  // mkntfs makes 27; the rest up to 64 is unused
  std::vector<std::byte> records;
  Upcase upcase;
  uint64_t createdTime = 0;  // of the root directory, in NTFS ticks
  std::vector<Run> mftRuns, mftBitmapRuns, bitmapRuns, mirrorRuns, securityRuns, rootIndexRuns;
  uint64_t bitmapBytes = 0;
  uint64_t mirrorRecordCount = 0;
  uint64_t securityAllocatedBytes = 0;
  std::vector<std::byte> securityStream;
  std::vector<RootEntry> rootEntries;  // in collation order
  std::vector<OwnedRange> owned;       // by cluster
};

}  // namespace diskferry::ntfs
