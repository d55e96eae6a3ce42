// The structures that stand alone: boot sectors, $MFTMirr, $LogFile, and the tables whose content never changes.
#include <algorithm>
#include <cstring>
#include <optional>

#include "hash/crc32.h"
#include "little_endian.h"
#include "ntfs/check_state.h"
#include "ntfs/fixups.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kReadBytes = 4 << 20;

// The record's attribute with its runs, or a finding.
struct Located {
  uint64_t dataBytes = 0;
  std::vector<Run> runs;
  std::vector<std::byte> value;  // when resident
};

Result<std::optional<Located>> locate(CheckState& state, uint32_t number, const char* structure) {
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  Status status = state.volume.mft().readRecord(state.volume.sectors(), number, record.bytes(), view);
  if (!status.isOk() && status.code() != ErrorCode::NTFS_DAMAGED) return status;
  const Attribute* data = status.isOk() ? view.find(kData) : nullptr;
  Located located;
  if (data != nullptr && data->isNonResident) status = attributeRuns(state.geometry, *data, located.runs);
  if (data == nullptr || !status.isOk()) {
    state.damage("NTFS_SYSTEM_FILE", structure,
                 "It cannot be found through MFT record " + std::to_string(number) + ".");
    return std::optional<Located>();
  }
  located.dataBytes = data->dataBytes;
  located.value.assign(data->value.begin(), data->value.end());
  return std::optional(std::move(located));
}

// Feeds the clusters of an attribute piece by piece; false stops.
template <typename Visit>
Status eachPiece(CheckState& state, const Located& file, uint64_t lengthBytes, Visit visit) {
  AlignedBuffer buffer(kReadBytes);
  for (uint64_t offset = 0; offset < lengthBytes; offset += kReadBytes) {
    auto part = buffer.bytes().first(static_cast<size_t>(std::min<uint64_t>(kReadBytes, lengthBytes - offset)));
    DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, file.runs, offset, part));
    if (!visit(offset, std::span<const std::byte>(part))) break;
  }
  return Status::ok();
}

bool isAll(std::span<const std::byte> bytes, uint8_t value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

// Checksums of the tables of mkntfs (ntfs-3g 2022.10.3 and the releases before it): $AttrDef and the upper-case table
// of Windows 7, and the $Info stream that describes the latter. Another formatter's may be as good, but we cannot tell.
constexpr uint32_t kAttributeDefinitionsCrc = 0x80079027;
constexpr uint32_t kUpcaseCrc = 0xCEE8CFFA;

Status checkTable(CheckState& state, uint32_t record, const char* structure, uint64_t expectedBytes, uint32_t crc) {
  Result<std::optional<Located>> located = locate(state, record, structure);
  if (!located.isOk()) return located.status();
  if (!located.value()) return Status::ok();
  const Located& file = *located.value();
  uint32_t found = 0;
  if (file.dataBytes == expectedBytes && !file.value.empty()) found = crc32(file.value);
  bool isSlackZero = true;
  if (file.dataBytes == expectedBytes && file.value.empty()) {
    DISKFERRY_TRY(eachPiece(state, file, clustersOf(file.runs) * state.geometry.clusterBytes, [&](uint64_t, auto part) {
      found = crc32(part.first(expectedBytes));
      if (record == kUpcaseRecord) state.upcase = Upcase(part);
      isSlackZero = isAll(part.subspan(expectedBytes), 0);
      return false;
    }));
  }
  if (found != crc || !isSlackZero)
    state.add("NTFS_TABLE", Severity::warning, structure, "Its content is not the one that mkntfs writes.");
  return Status::ok();
}

}  // namespace

Status checkLogFile(CheckState& state) {
  Result<std::optional<Located>> located = locate(state, kLogFileRecord, "$LogFile");
  if (!located.isOk()) return located.status();
  if (!located.value()) return Status::ok();
  const Located& file = *located.value();
  uint64_t allocated = clustersOf(file.runs) * state.geometry.clusterBytes;
  return eachPiece(state, file, allocated, [&](uint64_t offset, std::span<const std::byte> part) {
    size_t data = static_cast<size_t>(std::min<uint64_t>(part.size(), std::max(file.dataBytes, offset) - offset));
    if (isAll(part.first(data), 0xFF)) return true;
    // A log in use begins with a restart page.
    bool isMounted = offset == 0 && std::memcmp(part.data(), "RSTR", 4) == 0;
    state.isPristine = state.isPristine && !isMounted;
    state.add("NTFS_LOG", isMounted ? Severity::warning : Severity::damage, "$LogFile",
              isMounted ? "The volume has been mounted for writing since it was made; its padding is not compared."
                        : "It is not empty, near byte " + std::to_string(offset) + ".");
    return false;
  });
}

Status checkBoot(CheckState& state) {
  const Geometry& geometry = state.geometry;
  AlignedBuffer boot(8192);
  DISKFERRY_TRY(state.volume.sectors().read(0, boot.bytes()));
  AlignedBuffer backup(geometry.sectorBytes);
  DISKFERRY_TRY(state.volume.sectors().read(geometry.backupBootOffsetBytes(), backup.bytes()));
  if (std::memcmp(boot.data(), backup.data(), geometry.sectorBytes) != 0)
    state.damage("NTFS_BOOT_BACKUP", "backup boot sector",
                 "It differs from the boot sector (at byte " + std::to_string(geometry.backupBootOffsetBytes()) + ").");
  if (state.isPristine && !isAll(std::span<const std::byte>(boot.bytes()).subspan(geometry.sectorBytes), 0))
    state.damage("NTFS_BOOT", "$Boot", "The bytes behind the boot sector are not zero.");
  Result<std::optional<Located>> located = locate(state, kBootRecord, "$Boot");
  if (!located.isOk()) return located.status();
  if (located.value() && (located.value()->runs.empty() || located.value()->runs[0].lcn != 0))
    state.damage("NTFS_BOOT", "$Boot", "MFT record 7 does not place it at the start of the volume.");
  return Status::ok();
}

Status checkSystemTables(CheckState& state) {
  // Loaded first: without the table no index can be checked.
  DISKFERRY_TRY(checkTable(state, kUpcaseRecord, "$UpCase", 131072, kUpcaseCrc));
  return checkTable(state, 4, "$AttrDef", 2560, kAttributeDefinitionsCrc);
}

Status checkMirror(CheckState& state) {
  Result<std::optional<Located>> located = locate(state, kMirrorRecord, "$MFTMirr");
  if (!located.isOk()) return located.status();
  if (!located.value()) return Status::ok();
  const Located& mirror = *located.value();
  if (mirror.runs.empty() || mirror.runs[0].lcn != state.geometry.mirrorLcn || mirror.dataBytes > 1 << 20 ||
      mirror.dataBytes < 4 * state.geometry.recordBytes) {
    state.damage("NTFS_MIRROR", "$MFTMirr", "The boot sector and MFT record 1 disagree about it.");
    return Status::ok();
  }
  uint32_t recordBytes = state.geometry.recordBytes;
  AlignedBuffer copy(clustersOf(mirror.runs) * state.geometry.clusterBytes);
  DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, mirror.runs, 0, copy.bytes()));
  uint64_t records = std::min(mirror.dataBytes / recordBytes, state.volume.mft().recordCount());
  AlignedBuffer original(records * recordBytes);
  DISKFERRY_TRY(state.volume.mft().readRaw(state.volume.sectors(), 0, original.bytes()));
  for (uint64_t i = 0; i < records; i++)
    if (std::memcmp(copy.data() + i * recordBytes, original.data() + i * recordBytes, recordBytes) != 0)
      state.damage("NTFS_MIRROR", "$MFTMirr", "Its copy of " + recordName(i) + " differs from $MFT.");
  if (!isAll(std::span<const std::byte>(copy.bytes()).subspan(records * recordBytes), 0))
    state.damage("NTFS_MIRROR", "$MFTMirr", "Its last cluster has bytes behind the last record.");
  return Status::ok();
}

}  // namespace diskferry::ntfs
