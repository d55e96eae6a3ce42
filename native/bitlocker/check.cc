#include "bitlocker/check.h"

#include <algorithm>

#include "bitlocker/check_parts.h"
#include "bitlocker/utf16.h"

namespace diskferry::bitlocker {

namespace {

constexpr uint64_t kFrontBytes = 4096;  // the longest boot sector

// A boot sector that lost its identifier still has the offsets; when a copy is there, it was a volume.
bool hasCopies(const Place& place, const BootSector& boot) {
  return std::any_of(boot.metadataOffsets.begin(), boot.metadataOffsets.end(), [&](uint64_t offset) {
    if (offset > place.sizeBytes || place.sizeBytes - offset < kMetadataBytes) return false;
    Result<std::vector<std::byte>> bytes = readPlace(place, offset, kMetadataBytes);
    return bytes.isOk() && parseMetadata(bytes.value()).isOk();
  });
}

VolumeInfo infoOf(const Metadata& metadata, const BootSector& boot, const Place& place) {
  VolumeInfo info;
  info.layout = layoutName(boot.layout);
  Status finished = checkFinished(boot.layout, metadata.block);
  info.state = finished.isOk()                                      ? "encrypted"
               : finished.code() == ErrorCode::VOLUME_NOT_BITLOCKER ? "decrypted"
                                                                    : "converting";
  bool isKnown = volumeKeyBytes(metadata.dataset.method).has_value();
  info.method = isKnown ? methodName(static_cast<CipherMethod>(metadata.dataset.method)) : "unknown";
  info.sectorBytes = sectorBytesOf(metadata);
  info.encryptedBytes = metadata.block.encryptedBytes;
  info.volumeGuid = guidText(metadata.dataset.volumeGuid);
  if (const Entry* text = findEntry(metadata.entries, role::description, type::text))
    info.description = utf8FromUtf16(text->payload);
  info.createdTime = metadata.dataset.created;
  for (const Protector& protector : listProtectors(metadata))
    info.protectors.push_back({std::string(protectorKindName(protector.kind)), guidText(protector.identifier)});
  Result<RegionOffsets> regions = regionsOf(metadata, place.sizeBytes);
  info.regions =
      regions.isOk() ? regions.value() : RegionOffsets{metadata.block.metadataOffsets, metadata.block.headerOffset, 0};
  return info;
}

}  // namespace

Result<CheckReport> checkVolume(const Place& place, const Secret* secret) {
  DISKFERRY_TRY(checkPlace(place));
  Result<std::vector<std::byte>> front = readPlace(place, 0, kFrontBytes);
  if (!front.isOk()) return front.status();
  BootSector boot = parseBootSector(front.value());
  Findings findings;
  CheckReport report;
  auto finish = [&] {
    report.findings = findings.take();
    return std::move(report);
  };
  if (boot.layout == Layout::vista) {
    findings.damage("BITLOCKER_VISTA", "boot sector", "a volume of Windows Vista, which is not supported");
    return finish();
  }
  if (boot.layout == Layout::none) {
    if (!hasCopies(place, boot)) {
      findings.damage("BITLOCKER_NONE", "boot sector", "this is no BitLocker volume");
      return finish();
    }
    boot.layout = Layout::fixed;
  }
  checkBootSector(front.value(), boot, place, findings);
  std::optional<CheckedCopies> copies = checkCopies(place, boot, findings);
  if (!copies) return finish();
  report.info = infoOf(copies->metadata(), boot, place);
  checkContents(*copies, boot, place, findings);
  // A decrypted volume has no key, and one in conversion has plain and encrypted parts.
  if (secret == nullptr || !checkFinished(boot.layout, copies->metadata().block).isOk()) return finish();

  Result<std::optional<Keys>> keys = checkKeys(*copies, *secret, findings);
  if (!keys.isOk()) return keys.status();
  if (!keys.value()) return finish();
  Result<std::shared_ptr<Volume>> volume = makeVolume(place, copies->metadata(), *keys.value());
  if (!volume.isOk()) {
    findings.damage("BITLOCKER_REGIONS", "metadata", volume.status().message());
    return finish();
  }
  report.volume = volume.take();
  if (boot.layout == Layout::fixed) checkInnerBoot(*report.volume, front.value(), findings);
  return finish();
}

}  // namespace diskferry::bitlocker
