// Reading $MFT and the data of attributes through the runs that records name. Every length and cluster is checked, so a
// hostile volume gives a Status, never more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ntfs/geometry.h"
#include "ntfs/record.h"
#include "sectors.h"
#include "status.h"

namespace diskferry::ntfs {

// Reads [offsetBytes, +into.size()) of what `runs` describe; sparse runs and what lies beyond them read as zeros.
// Offset and length are multiples of the volume's sector.
Status readRuns(Sectors& volume, const Geometry& geometry, std::span<const Run> runs, uint64_t offsetBytes,
                std::span<std::byte> into);

// $MFT as a table of records.
class MftAccess {
 public:
  // Follows the attribute list of a fragmented $MFT: each part of the table is found through the parts before it.
  static Result<MftAccess> open(Sectors& volume, const Geometry& geometry);

  uint64_t recordCount() const { return recordCount_; }
  const std::vector<Run>& runs() const { return runs_; }
  // Raw, fix-ups in place. `into` holds whole records.
  Status readRaw(Sectors& volume, uint64_t firstRecord, std::span<std::byte> into) const;
  // Fix-ups removed; NTFS_DAMAGED when the record cannot be parsed. `record` has geometry.recordBytes and outlives
  // `view`.
  Status readRecord(Sectors& volume, uint64_t number, std::span<std::byte> record, RecordView& view) const;

 private:
  Status followList(Sectors& volume, const RecordView& base, const Attribute& list);
  Status addRuns(std::span<const Run> runs);

  Geometry geometry_;
  std::vector<Run> runs_;
  uint64_t clusters_ = 0;
  uint64_t recordCount_ = 0;
};

// The whole value of an attribute, resident or not; refuses more than `limitBytes`.
Result<std::vector<std::byte>> readAttribute(Sectors& volume, const Geometry& geometry, const Attribute& attribute,
                                             uint64_t limitBytes);
// The runs of a non-resident attribute, checked against its sizes.
Status attributeRuns(const Geometry& geometry, const Attribute& attribute, std::vector<Run>& runs);

}  // namespace diskferry::ntfs
