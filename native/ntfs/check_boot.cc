// The structures that stand alone: boot sectors, $MFTMirr, $LogFile, and the tables whose content never changes.
#include <algorithm>
#include <cstring>
#include <optional>

#include "hash/crc32.h"
#include "little_endian.h"
#include "ntfs/check_state.h"
#include "ntfs/security.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kReadBytes = 4 << 20;
constexpr uint64_t kLogFileBytesMax = 4ull << 30;  // Windows makes 64 MiB and allows more
constexpr uint64_t kMirrorBytesMax = 4 << 20;
constexpr uint64_t kMirroredRecords = 4;

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
  FileAttributes attributes;
  if (status.isOk())
    status = attributes.collect(state.volume.sectors(), state.geometry, state.volume.mft(), number, view);
  const Attribute* data = status.isOk() ? attributes.find(kData) : nullptr;
  Located located;
  if (data != nullptr && data->isNonResident)
    status = joinWholeRuns(state.geometry, attributes.parts(kData), located.runs);
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
  AlignedBuffer buffer(alignUp(std::min<uint64_t>(kReadBytes, lengthBytes), state.geometry.sectorBytes));
  for (uint64_t offset = 0; offset < lengthBytes; offset += kReadBytes) {
    auto part = buffer.bytes().first(static_cast<size_t>(std::min<uint64_t>(kReadBytes, lengthBytes - offset)));
    auto sectors = buffer.bytes().first(alignUp(part.size(), state.geometry.sectorBytes));
    DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, file.runs, offset, sectors));
    if (!visit(offset, std::span<const std::byte>(part))) break;
  }
  return Status::ok();
}

bool isAll(std::span<const std::byte> bytes, uint8_t value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

// $AttrDef is the same on every volume of NTFS 3.1.
constexpr uint32_t kAttributeDefinitionsCrc = 0x80079027;
constexpr uint32_t kAttributeDefinitionsRecord = 4;
constexpr uint64_t kAttributeDefinitionsBytes = 2560;
constexpr uint64_t kUpcaseBytes = 131072;
constexpr size_t kUpcaseInfoBytes = 32;

// The whole content when it has that length, with `isSlackZero` for what lies behind it in its clusters.
Status readTable(CheckState& state, const Located& file, uint64_t expectedBytes, std::vector<std::byte>& content,
                 bool& isSlackZero) {
  isSlackZero = true;
  content = file.value;
  if (file.dataBytes != expectedBytes || file.runs.empty()) return Status::ok();
  uint64_t allocated = clustersOf(file.runs) * state.geometry.clusterBytes;
  AlignedBuffer buffer(std::min(allocated, alignUp(expectedBytes, state.geometry.clusterBytes)));
  DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, file.runs, 0, buffer.bytes()));
  std::span<const std::byte> bytes = buffer.bytes();
  content.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(expectedBytes));
  isSlackZero = isZero(bytes.subspan(expectedBytes));
  return Status::ok();
}

// CRC-64 of NVMe, which is what stands beside the upper-case table.
uint64_t upcaseChecksum(std::span<const std::byte> table) {
  uint64_t crc = ~0ull;
  for (std::byte byte : table) {
    crc ^= static_cast<uint8_t>(byte);
    for (unsigned bit = 0; bit < 8; bit++) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x9A6C9329AC4BC9B5u : 0);
  }
  return ~crc;
}

// Length, checksum of the table, and zeros where Windows puts its version.
bool suitsUpcase(std::span<const std::byte> info, std::span<const std::byte> table) {
  return info.size() == kUpcaseInfoBytes && load64(info.data()) == kUpcaseInfoBytes &&
         load64(info.data() + 8) == upcaseChecksum(table) && isZero(info.subspan(16));
}

Status checkUpcase(CheckState& state) {
  Result<std::optional<Located>> located = locate(state, kUpcaseRecord, "$UpCase");
  if (!located.isOk()) return located.status();
  if (!located.value()) return Status::ok();
  std::vector<std::byte> table;
  bool isSlackZero = false;
  DISKFERRY_TRY(readTable(state, *located.value(), kUpcaseBytes, table, isSlackZero));
  if (table.size() != kUpcaseBytes) {
    state.damage("NTFS_TABLE", "$UpCase", "It does not have 128 KiB.");
    return Status::ok();
  }
  state.upcase.emplace(table);
  if (!state.isPristine) return Status::ok();
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  DISKFERRY_TRY(state.volume.mft().readRecord(state.volume.sectors(), kUpcaseRecord, record.bytes(), view));
  const Attribute* info = view.find(kData, u"$Info");
  if (!isSlackZero || info == nullptr || !suitsUpcase(info->value, table))
    state.damage("NTFS_TABLE", "$UpCase", "It does not suit the checksum that stands beside it.");
  return Status::ok();
}

Status checkAttributeDefinitions(CheckState& state) {
  Result<std::optional<Located>> located = locate(state, kAttributeDefinitionsRecord, "$AttrDef");
  if (!located.isOk()) return located.status();
  if (!located.value() || !state.isPristine) return Status::ok();
  std::vector<std::byte> table;
  bool isSlackZero = false;
  DISKFERRY_TRY(readTable(state, *located.value(), kAttributeDefinitionsBytes, table, isSlackZero));
  if (!isSlackZero || table.size() != kAttributeDefinitionsBytes || crc32(table) != kAttributeDefinitionsCrc)
    state.damage("NTFS_TABLE", "$AttrDef", "It is not the table of NTFS 3.1.");
  return Status::ok();
}

// Whether the stream of descriptors, in either of its copies, has the one that all files of ours share.
Result<bool> hasOurDescriptor(CheckState& state) {
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  Status status = state.volume.mft().readRecord(state.volume.sectors(), kSecureRecord, record.bytes(), view);
  if (!status.isOk()) return status.code() == ErrorCode::NTFS_DAMAGED ? Result<bool>(false) : Result<bool>(status);
  const Attribute* data = view.find(kData, u"$SDS");
  std::vector<Run> runs;
  if (data == nullptr || !attributeRuns(state.geometry, *data, runs).isOk()) return false;
  constexpr size_t searchedBytes = 4096;
  AlignedBuffer part(searchedBytes);
  for (uint64_t copy : {uint64_t{0}, kSecurityBlockBytes}) {
    DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, runs, copy, part.bytes()));
    auto found = std::ranges::search(part.bytes(), everyoneDescriptor());
    if (!found.empty()) return true;
  }
  return false;
}

// The other sign, for volumes whose $Secure is damaged: the first record of a user's file is of our kind, and nobody
// has rewritten it.
bool hasOurFirstRecord(CheckState& state) {
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  FileName name;
  std::u16string text;
  if (!state.volume.mft().readRecord(state.volume.sectors(), kFirstUserRecord, record.bytes(), view).isOk())
    return false;
  const Attribute* information = view.find(kStandardInformation);
  const Attribute* nameAttribute = view.find(kFileName);
  return view.isInUse() && fixupCounter(record.bytes()) == 1 && information != nullptr && nameAttribute != nullptr &&
         information->value.size() == kStandardInformationBytes &&
         load32(information->value.data() + 0x34) == kEveryoneSecurityId &&
         loadFileName(nameAttribute->value, name, text) && name.nameSpace == kNamespacePosix;
}

// A journal in use begins with two restart pages, of which the newer counts. Nothing when neither can be read.
std::optional<bool> isClosed(std::span<const std::byte> start) {
  constexpr size_t areaBytes = 0x10;
  constexpr uint16_t noClients = 0xFFFF;
  constexpr uint16_t volumeIsClean = 2;
  std::optional<bool> closed;
  uint64_t newest = 0;
  size_t pageBytes = 0;
  for (size_t at = 0; at + kFixupStrideBytes <= start.size() && (at == 0 || at == pageBytes); at += pageBytes) {
    const std::byte* page = start.data() + at;
    bool isRestart = std::memcmp(page, "RSTR", 4) == 0 || std::memcmp(page, "CHKD", 4) == 0;
    if (pageBytes == 0) pageBytes = isRestart ? load32(page + 0x10) : 4096;
    size_t area = load16(page + 0x18);
    if (pageBytes < kFixupStrideBytes || pageBytes > 65536) return closed;
    // What is looked at stands before the first fix-up.
    if (!isRestart || area + areaBytes > kFixupStrideBytes - 2) continue;
    uint64_t sequence = load64(page + area);
    if (closed && sequence < newest) continue;
    newest = sequence;
    closed = load16(page + area + 0x0C) == noClients || (load16(page + area + 0x0E) & volumeIsClean) != 0;
  }
  return closed;
}

// True when the journal is empty, as mkntfs leaves it.
Result<bool> checkLogFile(CheckState& state) {
  Result<std::optional<Located>> located = locate(state, kLogFileRecord, "$LogFile");
  if (!located.isOk()) return located.status();
  if (!located.value()) return true;
  const Located& file = *located.value();
  bool isMounted = false;
  // Its clusters are not looked at behind its data.
  Status status = eachPiece(state, file, std::min(file.dataBytes, kLogFileBytesMax), [&](uint64_t offset, auto part) {
    if (isAll(part, 0xFF)) return true;
    std::optional<bool> closed = offset == 0 ? isClosed(part) : std::nullopt;
    isMounted = closed.has_value();
    state.isJournalOpen = isMounted && !*closed;
    if (!isMounted)
      state.damage("NTFS_LOG", "$LogFile",
                   "It is neither empty nor a journal, from byte " + std::to_string(offset) + " on.");
    return false;
  });
  if (!status.isOk()) return status;
  return !isMounted;
}

}  // namespace

Status checkOrigin(CheckState& state) {
  Result<bool> isOurs = hasOurDescriptor(state);
  if (!isOurs.isOk()) return isOurs.status();
  Result<bool> isJournalEmpty = checkLogFile(state);
  if (!isJournalEmpty.isOk()) return isJournalEmpty.status();
  bool isMadeByUs = isOurs.value() || hasOurFirstRecord(state);
  state.isPristine = isMadeByUs && isJournalEmpty.value();
  if (!isMadeByUs)
    state.add("NTFS_FOREIGN", Severity::note, "volume",
              "It was not made by diskferry: only NTFS's own rules are checked, not every byte.");
  else if (!state.isPristine)
    state.add("NTFS_MOUNTED", Severity::warning, "$LogFile",
              "The volume has been mounted for writing since it was made: only NTFS's own rules are checked.");
  if (state.isJournalOpen)
    state.add("NTFS_LOG_OPEN", Severity::warning, "$LogFile",
              "It has changes that were not carried out: the drive was pulled or switched off without being ejected. "
              "Files and checks show the volume without them; Windows carries them out when it mounts the drive.");
  return Status::ok();
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
  if (state.isPristine && !isZero(std::span<const std::byte>(boot.bytes()).subspan(geometry.sectorBytes)))
    state.damage("NTFS_BOOT", "$Boot", "The bytes behind the boot sector are not zero.");
  Result<std::optional<Located>> located = locate(state, kBootRecord, "$Boot");
  if (!located.isOk()) return located.status();
  if (located.value() && (located.value()->runs.empty() || located.value()->runs[0].lcn != 0))
    state.damage("NTFS_BOOT", "$Boot", "MFT record 7 does not place it at the start of the volume.");
  return Status::ok();
}

Status checkSystemTables(CheckState& state) {
  DISKFERRY_TRY(checkUpcase(state));
  return checkAttributeDefinitions(state);
}

Status checkMirror(CheckState& state) {
  Result<std::optional<Located>> located = locate(state, kMirrorRecord, "$MFTMirr");
  if (!located.isOk()) return located.status();
  if (!located.value()) return Status::ok();
  const Located& mirror = *located.value();
  uint64_t allocated = clustersOf(mirror.runs) * state.geometry.clusterBytes;
  uint32_t recordBytes = state.geometry.recordBytes;
  if (mirror.runs.empty() || mirror.runs[0].lcn != state.geometry.mirrorLcn || allocated > kMirrorBytesMax ||
      mirror.dataBytes < (state.isPristine ? kMirroredRecords : 1) * recordBytes) {
    state.damage("NTFS_MIRROR", "$MFTMirr", "The boot sector and MFT record 1 disagree about it.");
    return Status::ok();
  }
  AlignedBuffer copy(allocated);
  DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, mirror.runs, 0, copy.bytes()));
  uint64_t records = std::min(mirror.dataBytes / recordBytes, state.volume.mft().recordCount());
  // Others make it longer than the four records that they keep the same.
  if (!state.isPristine) records = std::min(records, kMirroredRecords);
  AlignedBuffer original(records * recordBytes);
  DISKFERRY_TRY(state.volume.mft().readRaw(state.volume.sectors(), 0, original.bytes()));
  for (uint64_t i = 0; i < records; i++)
    if (std::memcmp(copy.data() + i * recordBytes, original.data() + i * recordBytes, recordBytes) != 0)
      state.add("NTFS_MIRROR", state.isJournalOpen ? Severity::warning : Severity::damage, "$MFTMirr",
                "Its copy of " + recordName(i) + " differs from $MFT.");
  if (state.isPristine && !isZero(std::span<const std::byte>(copy.bytes()).subspan(records * recordBytes)))
    state.damage("NTFS_MIRROR", "$MFTMirr", "Its last cluster has bytes behind the last record.");
  return Status::ok();
}

}  // namespace diskferry::ntfs
