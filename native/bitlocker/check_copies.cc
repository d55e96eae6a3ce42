// The three metadata copies against each other. Two that agree outvote the third, so that any changed byte, in the
// padding too, is found and named with its copy.
#include <algorithm>
#include <string>

#include "bitlocker/check_parts.h"

namespace diskferry::bitlocker {

namespace {

CheckedCopy readCopy(const Place& place, uint64_t offsetBytes, size_t index, std::string& problem) {
  CheckedCopy copy{"metadata copy " + std::to_string(index + 1), {}, std::nullopt};
  if (offsetBytes > place.sizeBytes || place.sizeBytes - offsetBytes < kMetadataBytes) {
    problem = "its offset " + hexText(offsetBytes) + " is outside the volume";
    return copy;
  }
  Result<std::vector<std::byte>> bytes = readPlace(place, offsetBytes, kMetadataBytes);
  if (!bytes.isOk()) {
    problem = bytes.status().message();
    return copy;
  }
  copy.bytes = bytes.take();
  Result<Metadata> metadata = parseMetadata(copy.bytes);
  if (metadata.isOk())
    copy.metadata = metadata.take();
  else
    problem = metadata.status().message();
  return copy;
}

// A good copy that another one agrees with, else any good one.
std::optional<size_t> findReference(const std::array<CheckedCopy, 3>& copies) {
  std::optional<size_t> any;
  for (size_t index = 0; index < copies.size(); index++) {
    if (!copies[index].metadata) continue;
    if (!any) any = index;
    for (size_t other = index + 1; other < copies.size(); other++)
      if (copies[index].bytes == copies[other].bytes) return index;
  }
  return any;
}

const char* partOf(size_t offset, const Metadata& reference) {
  size_t seal = reference.block.informationBytes + kValidationHeaderBytes;
  if (offset < reference.block.informationBytes) return "information";
  if (offset < seal) return "checksum";
  return offset < seal + entryBytes(reference.validation.seal) ? "seal" : "padding";
}

void compareCopy(const CheckedCopy& copy, const CheckedCopy& reference, const std::string& problem,
                 Findings& findings) {
  if (copy.bytes.empty()) return findings.damage("BITLOCKER_COPY_MISSING", copy.name, problem);
  size_t first = copy.bytes.size();
  size_t count = 0;
  for (size_t offset = copy.bytes.size(); offset-- > 0;) {
    if (copy.bytes[offset] == reference.bytes[offset]) continue;
    first = offset;
    count++;
  }
  if (count == 0) return;
  std::string message = std::to_string(count) + (count == 1 ? " byte differs" : " bytes differ") + " from " +
                        reference.name + ", the first at offset " + hexText(first) + " (" +
                        partOf(first, *reference.metadata) + ")";
  if (copy.metadata) return findings.damage("BITLOCKER_COPY_DIFFERS", copy.name, message);
  findings.damage("BITLOCKER_COPY_DAMAGED", copy.name, problem + "; " + message);
}

}  // namespace

std::optional<CheckedCopies> checkCopies(const Place& place, const BootSector& boot, Findings& findings) {
  CheckedCopies checked;
  std::array<std::string, 3> problems;
  auto readAll = [&](const std::array<uint64_t, 3>& offsets) {
    for (size_t index = 0; index < offsets.size(); index++) {
      problems[index].clear();
      checked.copies[index] = readCopy(place, offsets[index], index, problems[index]);
    }
    return findReference(checked.copies);
  };
  std::optional<size_t> reference = readAll(boot.metadataOffsets);
  // A good copy knows better than the boot sector where the others are.
  if (reference && checked.copies[*reference].metadata->block.metadataOffsets != boot.metadataOffsets) {
    std::array<uint64_t, 3> listed = checked.copies[*reference].metadata->block.metadataOffsets;
    for (size_t index = 0; index < listed.size(); index++)
      if (listed[index] != boot.metadataOffsets[index])
        findings.damage("BITLOCKER_OFFSETS", "boot sector",
                        "metadata copy " + std::to_string(index + 1) + " is at " +
                            hexText(boot.metadataOffsets[index]) + " by the boot sector and at " +
                            hexText(listed[index]) + " by the metadata");
    reference = readAll(listed);
  }
  if (!reference) {
    for (size_t index = 0; index < problems.size(); index++)
      findings.damage("BITLOCKER_COPY_DAMAGED", checked.copies[index].name, problems[index]);
    findings.damage("BITLOCKER_NO_METADATA", "metadata", "none of the three copies is good: the volume is lost");
    return std::nullopt;
  }
  checked.reference = *reference;
  for (size_t index = 0; index < problems.size(); index++)
    compareCopy(checked.copies[index], checked.good(), problems[index], findings);
  return checked;
}

}  // namespace diskferry::bitlocker
