// How a file's content is kept, from its attributes.
#include <algorithm>
#include <cstdio>
#include <string>

#include "little_endian.h"
#include "ntfs/file_data.h"

namespace diskferry::ntfs {

namespace {

constexpr uint64_t kFileBytesMax = uint64_t{1} << 53;  // JavaScript's whole numbers end there
constexpr uint64_t kUnitBytesMax = 1 << 20;
constexpr uint32_t kUnitPowerMax = 5;

// Completes "MFT record 77 …".
std::string describeReparsePoint(const Attribute& attribute) {
  uint32_t tag = attribute.value.size() < 4 ? 0 : load32(attribute.value.data());
  switch (tag) {
    case 0xA000000C:
    case 0xA000001D:
      return "is a symbolic link";
    case 0xA0000003:
      return "is a junction";
    case 0x80000013:
      return "is deduplicated: its content lies in a chunk store that is not read";
    case 0x80000017:
      return "is compressed by Windows' own overlay (WOF), which is not read";
    case 0x80000023:
    case 0x80000024:
    case 0x80000025:
    case 0x80000026:
      return "is a socket, pipe or device of the Linux subsystem";
    default:
      break;
  }
  if ((tag & 0xFFFF0FFF) == 0x9000001A) return "is a placeholder: its content lies in a cloud";
  char number[11];
  std::snprintf(number, sizeof number, "%08X", static_cast<unsigned>(tag));
  return std::string("is a reparse point of kind ") + number + ", whose content is not read";
}

void refuse(FileContent& into, ErrorCode code, uint64_t record, const std::string& what) {
  into.access = FileAccess::none;
  into.problem = Status(code, "MFT record " + std::to_string(record) + " " + what);
  into.runs.clear();
}

// Without the clusters that are reserved behind its end.
void trimRuns(std::vector<Run>& runs, uint64_t clusters) {
  size_t kept = 0;
  for (; kept < runs.size() && clusters > 0; kept++) {
    runs[kept].count = std::min(runs[kept].count, clusters);
    clusters -= runs[kept].count;
  }
  runs.resize(kept);
}

void describeRuns(const Geometry& geometry, uint64_t record, std::span<const Attribute* const> parts,
                  FileContent& into) {
  const Attribute& first = *parts[0];
  if (Status status = joinRuns(geometry, parts, kVcnMax, into.runs); !status.isOk())
    return refuse(into, ErrorCode::NTFS_DAMAGED, record, "cannot be read: " + status.message());
  uint64_t clusters = clustersOf(into.runs);
  if (into.dataBytes > clusters * geometry.clusterBytes || into.initializedBytes > into.dataBytes)
    return refuse(into, ErrorCode::NTFS_DAMAGED, record,
                  "claims " + std::to_string(into.dataBytes) + " bytes, " + std::to_string(into.initializedBytes) +
                      " of them initialized, in " + std::to_string(clusters) + " clusters");
  if ((first.flags & kCompressionMask) != 0) {
    uint64_t unitBytes = uint64_t{geometry.clusterBytes} << std::min<uint32_t>(first.compressionUnit, kUnitPowerMax);
    if ((first.flags & kCompressionMask) != kCompressionLznt1 || first.compressionUnit == 0 ||
        first.compressionUnit > kUnitPowerMax || unitBytes > kUnitBytesMax)
      return refuse(into, ErrorCode::NTFS_UNSUPPORTED, record, "is compressed in a way that is not known");
    into.unitClusters = 1u << first.compressionUnit;
    into.access = FileAccess::readFile;
    return;
  }
  trimRuns(into.runs, divideUp(into.dataBytes, geometry.clusterBytes));
  bool hasHoles = std::ranges::any_of(into.runs, &Run::isSparse);
  bool isWhole = !hasHoles && into.initializedBytes == into.dataBytes;
  into.access = isWhole ? FileAccess::extents : FileAccess::readFile;
}

}  // namespace

void describeContent(const Geometry& geometry, uint64_t record, const FileAttributes& attributes,
                     const Status& collected, FileContent& into) {
  std::vector<Run> runs = std::move(into.runs);
  runs.clear();
  into = FileContent();
  into.runs = std::move(runs);
  std::span<const Attribute* const> parts = attributes.parts(kData);
  if (!parts.empty()) {
    into.dataBytes = std::min(parts[0]->dataBytes, kFileBytesMax - 1);
    into.initializedBytes = parts[0]->isNonResident ? parts[0]->initializedBytes : into.dataBytes;
    into.isResident = !parts[0]->isNonResident;
  }
  if (!collected.isOk()) return refuse(into, collected.code(), record, "cannot be read: " + collected.message());
  if (const Attribute* reparse = attributes.find(kReparsePoint))
    return refuse(into, ErrorCode::NTFS_UNSUPPORTED, record, describeReparsePoint(*reparse));
  if (parts.empty()) return;
  if ((parts[0]->flags & kEncrypted) != 0)
    return refuse(into, ErrorCode::NTFS_UNSUPPORTED, record, "is encrypted by Windows (EFS)");
  if (parts[0]->dataBytes >= kFileBytesMax)
    return refuse(into, ErrorCode::NTFS_DAMAGED, record,
                  "claims " + std::to_string(parts[0]->dataBytes) + " bytes, more than any file can have");
  if (!into.isResident) return describeRuns(geometry, record, parts, into);
  if (parts.size() > 1) return refuse(into, ErrorCode::NTFS_DAMAGED, record, "has its data twice");
  into.value = parts[0]->value;
  if (into.dataBytes > 0) into.access = FileAccess::readFile;
}

}  // namespace diskferry::ntfs
