// A check of a volume while it runs: what has been found, and what one pass leaves for the next. The passes are in the
// files check_*.cc; each adds to this state and none depends on the others' findings.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "finding.h"
#include "io/aligned_buffer.h"
#include "ntfs/names.h"
#include "ntfs/volume.h"

namespace diskferry::ntfs {

// 64 bits of anything; made for finding damage, not for resisting a forger.
uint64_t hashBytes(std::span<const std::byte> bytes, uint64_t seed);

// Reads of a few KiB that are near each other, served from four windows of 1 MiB.
class WindowedReader {
 public:
  explicit WindowedReader(Sectors& volume) : volume_(volume) {}
  Status read(uint64_t offsetBytes, std::span<std::byte> into);

 private:
  struct Window {
    uint64_t offsetBytes = ~0ull;
    uint64_t lengthBytes = 0;
    uint64_t lastUse = 0;
    AlignedBuffer bytes;
  };
  Sectors& volume_;
  Window windows_[4];
  uint64_t uses_ = 0;
};

struct OwnedRun {
  uint32_t lcn;
  uint32_t count;
  uint32_t record;
};

struct CheckState {
  explicit CheckState(const NtfsVolume& checked);

  // Keeps the first thousand.
  void add(const char* code, Severity severity, std::string structure, std::string message);
  void damage(const char* code, std::string structure, std::string message) {
    add(code, Severity::damage, std::move(structure), std::move(message));
  }
  std::vector<Finding> takeFindings();

  bool isInUse(uint64_t record) const { return (recordFlags[record] & kInUse) != 0; }
  // False and a finding when `runs` cannot be read; else the runs are remembered as `record`'s.
  bool takeRuns(const Attribute& attribute, uint32_t record, std::vector<Run>& runs);

  static constexpr uint8_t kInUse = 1;
  static constexpr uint8_t kDirectory = 2;
  static constexpr uint8_t kIndexed = 4;  // met in an index
  static constexpr uint8_t kWalked = 8;   // a directory whose index was walked

  const NtfsVolume& volume;
  const Geometry& geometry;
  Upcase upcase;
  uint64_t createdTime = 0;  // of the root directory: mkntfs gives all its records the same
  // Nobody has mounted the volume for writing since it was made, so every byte must be as we write it.
  bool isPristine = true;

  std::vector<uint8_t> recordFlags;
  // The hash of each record's $FILE_NAME, combined with that of its index entry: zero when they agree.
  std::vector<uint64_t> nameHashes;
  std::vector<OwnedRun> runs;
  bool hasTooManyRuns = false;
  std::vector<uint32_t> securityIds;
  std::vector<Run> bitmapRuns;
  uint64_t bitmapBytes = 0;

 private:
  std::vector<Finding> findings_;
  uint64_t findingCount_ = 0;
};

std::string recordName(uint64_t record);

// The passes, in this order. A Status is a failed read; damage is a finding.
Status checkBoot(CheckState& state);
Status checkLogFile(CheckState& state);
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
// Compares and reports the first difference.
void compareRecord(CheckState& state, uint32_t number, std::span<const std::byte> found,
                   std::span<const std::byte> expected);
// Null, or what is wrong with a self-relative security descriptor.
const char* checkDescriptor(std::span<const std::byte> descriptor);

}  // namespace diskferry::ntfs
