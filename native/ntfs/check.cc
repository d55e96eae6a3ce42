#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/check_state.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kFindingsMax = 1000;
constexpr size_t kRunsMax = 1u << 25;  // 400 MB; a drive of ours has about one a file
constexpr uint64_t kWindowBytes = 1 << 20;

}  // namespace

uint64_t hashBytes(std::span<const std::byte> bytes, uint64_t seed) {
  uint64_t hash = seed * 0x9E3779B97F4A7C15u + bytes.size();
  size_t at = 0;
  auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
  };
  for (; at + 8 <= bytes.size(); at += 8) mix(load64(bytes.data() + at));
  uint64_t last = 0;
  if (at < bytes.size()) std::memcpy(&last, bytes.data() + at, bytes.size() - at);
  mix(last);
  mix(~hash);
  return hash;
}

Status WindowedReader::read(uint64_t offsetBytes, std::span<std::byte> into) {
  while (!into.empty()) {
    uint64_t start = offsetBytes / kWindowBytes * kWindowBytes;
    Window* window = std::ranges::find(windows_, start, &Window::offsetBytes);
    if (window == std::end(windows_)) {
      window = std::ranges::min_element(windows_, {}, &Window::lastUse);
      if (window->bytes.size() == 0) window->bytes = AlignedBuffer(kWindowBytes);
      uint64_t end =
          std::min(start + kWindowBytes, volume_.sizeBytes() / volume_.sectorBytes() * volume_.sectorBytes());
      if (end <= offsetBytes) return Status(ErrorCode::DEVICE_RANGE, "reading beyond the end of the volume");
      window->offsetBytes = ~0ull;
      window->lengthBytes = end - start;
      DISKFERRY_TRY(volume_.read(start, window->bytes.bytes().first(window->lengthBytes)));
      window->offsetBytes = start;
    }
    window->lastUse = ++uses_;
    if (offsetBytes - start >= window->lengthBytes)
      return Status(ErrorCode::DEVICE_RANGE, "reading beyond the end of the volume");
    size_t length = static_cast<size_t>(std::min<uint64_t>(into.size(), window->lengthBytes - (offsetBytes - start)));
    std::memcpy(into.data(), window->bytes.data() + (offsetBytes - start), length);
    into = into.subspan(length);
    offsetBytes += length;
  }
  return Status::ok();
}

std::string recordName(uint64_t record) { return "MFT record " + std::to_string(record); }

CheckState::CheckState(const NtfsVolume& checked)
    : volume(checked),
      geometry(checked.geometry()),
      recordFlags(checked.mft().recordCount()),
      nameHashes(checked.mft().recordCount()) {}

void CheckState::add(const char* code, Severity severity, std::string structure, std::string message) {
  findingCount_++;
  if (findings_.size() < kFindingsMax) findings_.push_back({code, severity, std::move(structure), std::move(message)});
}

std::vector<Finding> CheckState::takeFindings() {
  if (findingCount_ > findings_.size())
    findings_.push_back({"NTFS_MORE", Severity::damage, "volume",
                         std::to_string(findingCount_ - findings_.size()) + " more findings are not listed."});
  return std::move(findings_);
}

bool CheckState::takeRuns(const Attribute& attribute, uint32_t record, std::vector<Run>& into) {
  Status status = attributeRuns(geometry, attribute, into);
  if (!status.isOk()) {
    damage("NTFS_RUN_LIST", recordName(record), status.message() + ".");
    return false;
  }
  for (const Run& run : into) {
    if (run.isSparse()) continue;
    if (runs.size() == kRunsMax) {
      hasTooManyRuns = true;
      return true;
    }
    runs.push_back({static_cast<uint32_t>(run.lcn), static_cast<uint32_t>(run.count), record});
  }
  return true;
}

Result<std::vector<Finding>> NtfsVolume::check() const {
  CheckState state(*this);
  DISKFERRY_TRY(checkLogFile(state));
  DISKFERRY_TRY(checkBoot(state));
  DISKFERRY_TRY(checkSystemTables(state));
  DISKFERRY_TRY(checkSecurity(state));
  DISKFERRY_TRY(checkRecords(state));
  DISKFERRY_TRY(checkIndexes(state));
  DISKFERRY_TRY(checkClusters(state));
  DISKFERRY_TRY(checkMirror(state));
  return state.takeFindings();
}

}  // namespace diskferry::ntfs
