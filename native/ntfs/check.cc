#include <algorithm>
#include <cstring>
#include <utility>

#include "little_endian.h"
#include "ntfs/check_state.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kFindingsMax = 1000;
constexpr unsigned kPathDepthMax = 200;

}  // namespace

uint64_t hashBytes(std::span<const std::byte> bytes, uint64_t seed) {
  uint64_t hash = (seed + 1) * 0x9E3779B97F4A7C15u;
  size_t at = 0;
  auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
  };
  for (; at + 8 <= bytes.size(); at += 8) mix(load64(bytes.data() + at));
  uint64_t last = 0;
  if (at < bytes.size()) std::memcpy(&last, bytes.data() + at, bytes.size() - at);
  mix(last);
  mix(bytes.size());
  return hash;
}

std::string recordName(uint64_t record) { return "MFT record " + std::to_string(record); }

uint16_t fixupCounter(std::span<const std::byte> block) {
  size_t offset = load16(block.data() + 4);
  return offset + 2 <= block.size() ? load16(block.data() + offset) : 0;
}

uint64_t nameHash(std::span<const std::byte> fileName, uint64_t reference, bool isExact) {
  if (isExact || fileName.size() < kFileNameHeaderBytes) return hashBytes(fileName, reference);
  std::byte parent[8];
  std::memcpy(parent, fileName.data(), sizeof parent);
  return hashBytes(fileName.subspan(0x40), reference ^ hashBytes(parent, 0));
}

CheckState::CheckState(const NtfsVolume& checked)
    : volume(checked),
      geometry(checked.geometry()),
      recordFlags(checked.mft().recordCount()),
      nameHashes(checked.mft().recordCount()) {}

void CheckState::add(const char* code, Severity severity, std::string structure, std::string message) {
  findingCount_++;
  if (findings_.size() < kFindingsMax)
    findings_.push_back({code, severity, std::move(structure), std::move(message)});
  else
    worstUnlisted_ = std::max(worstUnlisted_, severity);
}

void CheckState::addRecord(const char* code, Severity severity, uint32_t record, std::string message) {
  if (findings_.size() < kFindingsMax) recordsOfFindings_.emplace_back(static_cast<uint32_t>(findings_.size()), record);
  add(code, severity, recordName(record), std::move(message));
}

// "\a\b", or nothing when the chain of parents does not lead to the root.
std::string CheckState::pathOf(uint32_t record) const {
  std::string path;
  AlignedBuffer bytes(geometry.recordBytes);
  RecordView view;
  FileAttributes attributes;
  for (unsigned depth = 0; depth < kPathDepthMax && record != kRootRecord; depth++) {
    if (!volume.mft().readRecord(volume.sectors(), record, bytes.bytes(), view).isOk()) return {};
    FileName name;
    std::u16string units;
    bool isFound = false;
    // After a failure the base record's own names are there.
    (void)attributes.collect(volume.sectors(), geometry, volume.mft(), record, view);
    for (const Attribute* attribute : attributes.parts(kFileName))
      isFound = isFound || (!attribute->isNonResident && loadFileName(attribute->value, name, units) &&
                            name.nameSpace != kNamespaceDos);
    if (!isFound || referencedRecord(name.parent) >= volume.mft().recordCount()) return {};
    std::string part = "\\";
    appendUtf8(name.name, part);
    path.insert(0, part);
    record = static_cast<uint32_t>(referencedRecord(name.parent));
  }
  return record == kRootRecord ? path : std::string();
}

std::vector<Finding> CheckState::takeFindings() {
  for (const auto& [finding, record] : recordsOfFindings_) {
    std::string path = pathOf(record);
    if (!path.empty()) findings_[finding].message += " It is " + path + ".";
  }
  if (findingCount_ > findings_.size())
    findings_.push_back({"NTFS_MORE", worstUnlisted_, "volume",
                         std::to_string(findingCount_ - findings_.size()) + " more findings are not listed."});
  return std::move(findings_);
}

Result<std::vector<Finding>> NtfsVolume::check() const {
  CheckState state(*this);
  constexpr std::pair<Status (*)(CheckState&), const char*> passes[] = {
      {checkOrigin, "$LogFile and $Secure"},
      {checkBoot, "boot sector"},
      {checkSystemTables, "$UpCase and $AttrDef"},
      {checkSecurity, "$Secure"},
      {checkRecords, "$MFT"},
      {checkIndexes, "indexes"},
      {checkClusters, "$Bitmap"},
      {checkMirror, "$MFTMirr"},
  };
  // What cannot be read is damage; the rest may still be worth knowing.
  for (const auto& [pass, structure] : passes)
    if (Status status = pass(state); !status.isOk()) state.damage("NTFS_UNREADABLE", structure, status.message() + ".");
  if (state.rewrittenRecords + state.rewrittenBlocks > 0)
    state.add("NTFS_CHANGED", Severity::warning, "volume",
              std::to_string(state.rewrittenRecords) + " MFT records and " + std::to_string(state.rewrittenBlocks) +
                  " index blocks have been rewritten by another program since the volume was made.");
  return state.takeFindings();
}

}  // namespace diskferry::ntfs
