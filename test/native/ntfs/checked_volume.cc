#include "checked_volume.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "little_endian.h"
#include "ntfs/fixups.h"

namespace diskferry::ntfs::testing {

std::unique_ptr<CheckedVolume> CheckedVolume::make(const VolumeKind& kind, const TreeBuilder& tree) {
  auto made = std::make_unique<CheckedVolume>();
  made->memory_ = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
  auto written = makeVolume(*made->memory_, kind, tree, sampleGroups(kind.sizeBytes));
  if (!written) return nullptr;
  made->made_ = std::move(*written);
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(made->memory_);
  REQUIRE_MESSAGE(volume.isOk(), volume.status().message());
  made->geometry_ = volume.value()->geometry();
  made->mftRuns_ = volume.value()->mft().runs();
  made->recordCount_ = volume.value()->mft().recordCount();
  for (const Finding& finding : made->check())
    FAIL(finding.code << " " << finding.structure << ": " << finding.message);
  return made;
}

std::vector<Finding> CheckedVolume::check() const {
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(memory_);
  Status status = volume.status();
  if (volume.isOk()) {
    Result<std::vector<Finding>> findings = volume.value()->check();
    if (findings.isOk()) return findings.take();
    status = findings.status();
  }
  return {{std::string(name(status.code())), Severity::damage, "volume", status.message()}};
}

std::vector<std::string> CheckedVolume::codes() const {
  std::vector<std::string> codes;
  for (const Finding& finding : check()) codes.push_back(finding.code + " " + finding.structure);
  std::ranges::sort(codes);
  codes.erase(std::ranges::unique(codes).begin(), codes.end());
  return codes;
}

bool CheckedVolume::isDamaged() const {
  return std::ranges::any_of(check(), [](const Finding& finding) { return finding.severity == Severity::damage; });
}

std::span<std::byte> CheckedVolume::record(uint64_t number) {
  uint64_t offset = number * geometry_.recordBytes;
  for (const Run& run : mftRuns_) {
    uint64_t length = run.count * geometry_.clusterBytes;
    if (offset < length) return bytes().subspan(geometry_.clusterOffsetBytes(run.lcn) + offset, geometry_.recordBytes);
    offset -= length;
  }
  FAIL("there is no record " << number);
  return {};
}

std::span<std::byte> CheckedVolume::structure(const std::string& name) {
  for (const MetadataRange& range : ranges())
    if (range.structure == name) return bytes().subspan(range.offsetBytes, range.lengthBytes);
  FAIL("nothing is called " << name);
  return {};
}

uint32_t CheckedVolume::find(std::u16string_view wanted) {
  std::vector<std::byte> copy(geometry_.recordBytes);
  for (uint32_t number = 0; number < recordCount_; number++) {
    std::ranges::copy(record(number), copy.begin());
    RecordView view;
    FileName name;
    std::u16string text;
    if (!removeFixups(copy) || parseRecord(copy, view) != nullptr) continue;
    const Attribute* attribute = view.find(kFileName);
    if (attribute != nullptr && loadFileName(attribute->value, name, text) && text == wanted) return number;
  }
  FAIL("no such file");
  return 0;
}

void CheckedVolume::edit(std::span<std::byte> block, const std::function<void(std::span<std::byte>)>& change) {
  uint16_t counter = load16(block.data() + load16(block.data() + 4));
  REQUIRE(removeFixups(block));
  change(block);
  applyFixups(block, counter);
}

bool isLong() { return std::getenv("DISKFERRY_LONG_TESTS") != nullptr; }

}  // namespace diskferry::ntfs::testing
