// A check of a volume while it runs: what has been found, and what one pass leaves for the next. The passes are in the
// files check_*.cc; each adds to this state and none depends on the others' findings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "finding.h"
#include "io/aligned_buffer.h"
#include "ntfs/file_attributes.h"
#include "ntfs/index_node.h"
#include "ntfs/names.h"
#include "ntfs/volume.h"
#include "ntfs/windowed_reader.h"

namespace diskferry::ntfs {

// 64 bits of anything; made for finding damage, not for resisting a forger.
uint64_t hashBytes(std::span<const std::byte> bytes, uint64_t seed);

struct OwnedRun {
  uint32_t lcn;
  uint32_t count;
  uint32_t record;
};

// A record's or an entry's $FILE_NAME as 64 bits. Of names that others wrote only parent, namespace and name count: the
// times and sizes beside them may be older in one place than in the other.
uint64_t nameHash(std::span<const std::byte> fileName, uint64_t reference, bool isExact);

struct CheckState {
  explicit CheckState(const NtfsVolume& checked);

  // Keeps the first thousand.
  void add(const char* code, Severity severity, std::string structure, std::string message);
  void damage(const char* code, std::string structure, std::string message) {
    add(code, Severity::damage, std::move(structure), std::move(message));
  }
  // About a record; the file's path is added to the message in the end.
  void addRecord(const char* code, Severity severity, uint32_t record, std::string message);
  void damageRecord(const char* code, uint32_t record, std::string message) {
    addRecord(code, Severity::damage, record, std::move(message));
  }
  std::vector<Finding> takeFindings();

  bool isInUse(uint64_t record) const { return (recordFlags[record] & kInUse) != 0; }
  bool isExact(uint64_t record) const { return (recordFlags[record] & kExact) != 0; }

  static constexpr uint8_t kInUse = 1;
  static constexpr uint8_t kDirectory = 2;
  static constexpr uint8_t kIndexed = 4;    // met in an index
  static constexpr uint8_t kWalked = 8;     // a directory whose index was walked
  static constexpr uint8_t kExact = 16;     // not changed since diskferry wrote it, so every byte of it is known
  static constexpr uint8_t kNoNames = 32;   // an extension record, or one whose attribute list is damaged
  static constexpr uint8_t kReported = 64;  // cannot be read, which has been said
  static constexpr uint8_t kListed = 128;   // an extension record that its base record's attribute list names

  const NtfsVolume& volume;
  const Geometry& geometry;
  std::optional<Upcase> upcase;
  uint64_t createdTime = 0;  // mkntfs gives all its records the same
  // diskferry made the volume and nobody has mounted it in Windows since: what has not been rewritten must be, to the
  // byte, as we write it.
  bool isPristine = false;
  // The journal has changes that were not carried out.
  bool isJournalOpen = false;
  uint64_t rewrittenRecords = 0;
  uint64_t rewrittenBlocks = 0;
  // Run lists that cannot be read: clusters may have owners that we do not know.
  bool hasUnknownOwners = false;

  std::vector<uint8_t> recordFlags;
  // The hashes of each record's names, combined with those of its index entries: zero when they agree.
  std::vector<uint64_t> nameHashes;
  std::vector<OwnedRun> runs;
  bool hasTooManyRuns = false;
  std::vector<uint32_t> securityIds;
  bool areSecurityIdsComplete = false;
  std::vector<Run> bitmapRuns;
  uint64_t bitmapBytes = 0;

 private:
  std::string pathOf(uint32_t record) const;

  std::vector<Finding> findings_;
  std::vector<std::pair<uint32_t, uint32_t>> recordsOfFindings_;  // finding, record
  uint64_t findingCount_ = 0;
  Severity worstUnlisted_ = Severity::note;
};

// The counter of a block's fix-ups, which whoever rewrites the block increments.
uint16_t fixupCounter(std::span<const std::byte> block);

inline bool isZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

std::string recordName(uint64_t record);

// The passes, in this order. A Status is a failed read; damage is a finding.
Status checkOrigin(CheckState& state);
Status checkBoot(CheckState& state);
Status checkSystemTables(CheckState& state);
Status checkSecurity(CheckState& state);
Status checkRecords(CheckState& state);
Status checkIndexes(CheckState& state);
Status checkClusters(CheckState& state);
Status checkMirror(CheckState& state);

// Compares a record of ours with what its own fields make; `raw` has its fix-ups in place.
void checkUserRecord(CheckState& state, uint32_t number, std::span<const std::byte> raw, const RecordView& view);
// The same for a record of mkntfs.
void checkSystemRecord(CheckState& state, uint32_t number, std::span<const std::byte> raw, const RecordView& view);
// Null, or what is wrong with a view that stands in its record; the second also looks at the entries of $Quota.
const char* checkViewRoot(const CheckState& state, uint32_t record, const Attribute& attribute, IndexNode& node);
const char* checkView(const CheckState& state, uint32_t record, const Attribute& attribute);
// The data of an entry of a view that checkViewRoot() has passed.
std::span<const std::byte> viewData(const IndexEntry& entry);
// Compares and reports the first difference.
void compareRecord(CheckState& state, uint32_t number, std::span<const std::byte> found,
                   std::span<const std::byte> expected);

}  // namespace diskferry::ntfs
