#include "filesystems/read_used_ranges.h"

#include <string>

#include "filesystems/readers.h"
#include "filesystems/signatures.h"

namespace diskferry::filesystems {

namespace {

Status readKnown(const std::shared_ptr<PartitionSectors>& partition, const Signature& signature, UsedRanges& found,
                 RangeCollector& used) {
  switch (signature.kind) {
    case SignatureKind::ext:
      return readExt(*partition, found, used);
    case SignatureKind::ntfs:
      return readNtfs(partition, found, used);
    case SignatureKind::fat:
      return readFat(*partition, found, used);
    case SignatureKind::exfat:
      return readExfat(*partition, found, used);
    case SignatureKind::xfs:
      return readXfs(*partition, found, used);
    case SignatureKind::swap:
      return readSwap(*partition, signature.pageBytes, found, used);
    case SignatureKind::other:
      break;
  }
  return distrust("It holds " + signature.name + ", which is always kept whole.");
}

Status recognize(const std::shared_ptr<PartitionSectors>& partition, UsedRanges& found, RangeCollector& used) {
  std::vector<Signature> signatures;
  DISKFERRY_TRY(findSignatures(*partition, signatures));
  if (signatures.empty()) return distrust("No file system was recognized.");
  for (const Signature& signature : signatures)
    found.fileSystem += (found.fileSystem.empty() ? "" : "+") + signature.name;
  if (signatures.size() > 1) return distrust("It has the marks of several file systems: " + found.fileSystem + ".");
  return readKnown(partition, signatures[0], found, used);
}

}  // namespace

Result<UsedRanges> readUsedRanges(std::shared_ptr<Sectors> device, uint64_t offsetBytes, uint64_t lengthBytes) {
  uint64_t deviceBytes = device->sizeBytes();
  if (offsetBytes > deviceBytes || lengthBytes > deviceBytes - offsetBytes || offsetBytes % device->sectorBytes() != 0)
    return Status(ErrorCode::DEVICE_RANGE, "bytes " + std::to_string(offsetBytes) + " to " +
                                               std::to_string(offsetBytes + lengthBytes) +
                                               " are no whole sectors of the device's " + std::to_string(deviceBytes));
  auto partition = std::make_shared<PartitionSectors>(std::move(device), offsetBytes, lengthBytes);
  UsedRanges found;
  RangeCollector used(lengthBytes);
  Status status = recognize(partition, found, used);
  if (status.isOk()) {
    found.ranges = used.take();
    return found;
  }
  found.state = VolumeState::unknown;
  found.reason = status.message();
  found.ranges.clear();
  if (lengthBytes > 0) found.ranges.push_back({0, lengthBytes});
  return found;
}

}  // namespace diskferry::filesystems
