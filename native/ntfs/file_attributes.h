// All attributes of one file, whichever of its records they stand in. A file with many names, streams or runs has an
// attribute list and extension records; every other file has just its base record.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ntfs/attribute_list.h"
#include "ntfs/mft_access.h"

namespace diskferry::ntfs {

class FileAttributes {
 public:
  // Replaces what was collected before. `base` is the parsed base record `number`, and outlives this. Each record of a
  // list must say that it belongs to this file, so that all files together cannot make us read more than $MFT has.
  // After an error only the base record's own attributes are there. NTFS_DAMAGED, or what reading gives.
  Status collect(Sectors& volume, const Geometry& geometry, const MftAccess& mft, uint64_t number,
                 const RecordView& base);

  bool hasList() const { return hasList_; }
  // By type, name and first cluster. $ATTRIBUTE_LIST itself is not among them when it could be followed.
  std::span<const Attribute* const> all() const { return all_; }
  // The parts of one attribute in the order of their clusters. Empty: the file has no such attribute.
  std::span<const Attribute* const> parts(uint32_t type, std::u16string_view name = {}) const;
  // The first part, which has the attribute's sizes.
  const Attribute* find(uint32_t type, std::u16string_view name = {}) const;
  // The records other than the base, ascending.
  std::vector<uint32_t> extensionRecords() const;
  // Attributes in the file's records that its list does not name.
  size_t unlistedCount() const { return unlistedCount_; }

 private:
  struct Extension {
    uint32_t record = 0;
    std::vector<std::byte> bytes;
    RecordView view;
  };

  Status followList(Sectors& volume, const Geometry& geometry, const MftAccess& mft, uint64_t number,
                    const RecordView& base, const Attribute& list);
  Result<const RecordView*> recordOf(Sectors& volume, const Geometry& geometry, const MftAccess& mft, uint64_t number,
                                     const RecordView& base, uint64_t reference);
  void takeBase(const RecordView& base);

  bool hasList_ = false;
  size_t unlistedCount_ = 0;
  std::vector<const Attribute*> all_;
  std::vector<std::unique_ptr<Extension>> extensions_;  // by record
  std::vector<AttributeListEntry> entries_;
  // Lists outside their records may share clusters on a hostile volume; together they get this much.
  uint64_t listBytesLeft_ = uint64_t{4} << 30;
};

// The runs of all parts, one after the other; the parts must follow on each other without a gap or an overlap.
// `vcnLimit` bounds clusters and holes together. NTFS_DAMAGED.
Status joinRuns(const Geometry& geometry, std::span<const Attribute* const> parts, uint64_t vcnLimit,
                std::vector<Run>& runs);
// The same for attributes that have no holes, checked against their size.
Status joinWholeRuns(const Geometry& geometry, std::span<const Attribute* const> parts, std::vector<Run>& runs);

}  // namespace diskferry::ntfs
