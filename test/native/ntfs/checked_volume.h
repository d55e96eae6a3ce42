// A volume in memory that a test damages and checks again: what was written where is known, and records and index
// blocks can be changed with their fix-ups kept right.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "finding.h"
#include "io/memory_sectors.h"
#include "ntfs/volume.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

class CheckedVolume {
 public:
  // Null (and a message) when mkntfs is not installed.
  static std::unique_ptr<CheckedVolume> make(const VolumeKind& kind, const TreeBuilder& tree);

  std::span<std::byte> bytes() { return memory_->bytes(); }
  const std::shared_ptr<MemorySectors>& sectors() const { return memory_; }
  // As it was found when the volume was whole.
  const Geometry& geometry() const { return geometry_; }
  const std::vector<MetadataRange>& ranges() const { return made_.ranges; }
  const Layout& layout() const { return *made_.layout; }
  uint64_t recordCount() const { return recordCount_; }

  // An error of open() counts as one finding of damage with the error's code.
  std::vector<Finding> check() const;
  // "CODE structure", each once; for comparing.
  std::vector<std::string> codes() const;
  bool isDamaged() const;

  std::span<std::byte> record(uint64_t number);
  // The first range of that structure.
  std::span<std::byte> structure(const std::string& name);
  // The record of the file or directory with that name; fails the test when there is none.
  uint32_t find(std::u16string_view name);
  // Runs `change` on a record or index block with its fix-ups removed, and applies them again.
  void edit(std::span<std::byte> block, const std::function<void(std::span<std::byte>)>& change);

 private:
  std::shared_ptr<MemorySectors> memory_;
  MadeVolume made_;
  Geometry geometry_;
  std::vector<Run> mftRuns_;
  uint64_t recordCount_ = 0;
};

bool isLong();

}  // namespace diskferry::ntfs::testing
