// What the metadata says: against itself, against the boot sector, and against the place on the device.
#include <algorithm>
#include <set>
#include <string>

#include "bitlocker/check_parts.h"
#include "bitlocker/wrapped_key.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

constexpr const char* kMetadata = "metadata";

void checkState(const Metadata& metadata, const BootSector& boot, const Place& place, Findings& findings) {
  Status finished = checkFinished(boot.layout, metadata.block);
  if (finished.code() == ErrorCode::VOLUME_NOT_BITLOCKER)
    return findings.damage("BITLOCKER_DECRYPTED", kMetadata, finished.message());
  if (!finished.isOk()) findings.damage("BITLOCKER_CONVERTING", kMetadata, finished.message());
  if (metadata.block.encryptedBytes != place.sizeBytes)
    findings.damage("BITLOCKER_SIZE", kMetadata,
                    std::to_string(metadata.block.encryptedBytes) + " bytes are encrypted, the partition has " +
                        std::to_string(place.sizeBytes));
  if (metadata.block.stateBytes != 0)
    findings.damage("BITLOCKER_CONVERTING", kMetadata,
                    "there is a conversion log of " + std::to_string(metadata.block.stateBytes) + " bytes");
}

void checkRelocation(const Metadata& metadata, const BootSector& boot, const Place& place, Findings& findings) {
  auto wrong = [&](const std::string& message) { findings.damage("BITLOCKER_REGIONS", kMetadata, message); };
  uint32_t sectorBytes = sectorBytesOf(metadata);
  Result<RegionOffsets> regions = regionsOf(metadata, place.sizeBytes);
  if (!regions.isOk()) return wrong(regions.status().message());
  if (boot.layout == Layout::toGo) return;
  if (sectorBytes != boot.bytesPerSector)
    wrong("sectors of " + std::to_string(sectorBytes) + " bytes, by the boot sector " +
          std::to_string(boot.bytesPerSector));
  if (regions.value().headerBytes != kHeaderBytes)
    wrong("a header block of " + std::to_string(regions.value().headerBytes) + " bytes instead of 8192");
  Status inside = checkRegions(regions.value(), sectorBytes, place.sizeBytes - sectorBytes);
  if (!inside.isOk()) wrong(inside.message());
  // Windows puts every region on a cluster, because files hold them.
  if (boot.clusterBytes == 0) return;
  for (uint64_t offset : {regions.value().metadata[0], regions.value().metadata[1], regions.value().metadata[2],
                          regions.value().header, regions.value().extra})
    if (offset % boot.clusterBytes != 0)
      wrong("the region at " + hexText(offset) + " is not on a cluster of " + std::to_string(boot.clusterBytes) +
            " bytes");
}

void collectCounters(std::span<const Entry> entries, std::vector<uint32_t>& counters) {
  for (const Entry& entry : entries) {
    if (std::optional<SealedBlob> blob = sealedBlob(entry)) counters.push_back(blob->counter());
    collectCounters(entry.nested, counters);
  }
}

// A nonce that was used twice under one key gives both plaintexts away.
void checkCounters(const Metadata& metadata, Findings& findings) {
  std::vector<uint32_t> counters;
  collectCounters(metadata.entries, counters);
  collectCounters(std::span(&metadata.validation.seal, 1), counters);
  std::set<uint32_t> seen;
  for (uint32_t counter : counters) {
    if (!seen.insert(counter).second)
      findings.damage("BITLOCKER_COUNTERS", kMetadata, "nonce " + std::to_string(counter) + " was used twice");
    if (counter >= metadata.dataset.nextCounter)
      findings.damage("BITLOCKER_COUNTERS", kMetadata,
                      "nonce " + std::to_string(counter) + " was used, but the next one is said to be " +
                          std::to_string(metadata.dataset.nextCounter));
  }
}

void checkMethod(const Metadata& metadata, Findings& findings) {
  uint16_t method = metadata.dataset.method;
  std::optional<size_t> keyBytes = volumeKeyBytes(method);
  if (!keyBytes) return findings.damage("BITLOCKER_METHOD", kMetadata, "unknown encryption method " + hexText(method));
  if (method == static_cast<uint16_t>(CipherMethod::cbc128Diffuser) ||
      method == static_cast<uint16_t>(CipherMethod::cbc256Diffuser))
    findings.warning("BITLOCKER_METHOD_OLD", kMetadata,
                     "encrypted with a diffuser, as Windows 7 did: later ones read it, but offer it no more");
  if (metadata.dataset.methodAgain != 0 && metadata.dataset.methodAgain != method)
    findings.damage(
        "BITLOCKER_METHOD", kMetadata,
        "method " + hexText(method) + " by one field, " + hexText(metadata.dataset.methodAgain) + " by another");
  const Entry* sealed = findEntry(metadata.entries, role::volumeKey, type::sealed);
  std::optional<SealedBlob> blob = sealed == nullptr ? std::nullopt : sealedBlob(*sealed);
  if (!blob || blob->ciphertext.size() != wrappedBytes(*keyBytes))
    findings.damage("BITLOCKER_ENTRIES", kMetadata, "the volume key is missing or has the wrong length");
}

void checkEntries(const CheckedCopy& copy, Findings& findings) {
  const Metadata& metadata = *copy.metadata;
  for (auto [entryRole, what] : {std::pair{role::volumeKey, "volume key"}, {role::relocation, "relocation"}}) {
    auto count = std::count_if(metadata.entries.begin(), metadata.entries.end(),
                               [&](const Entry& entry) { return entry.role == entryRole; });
    if (count != 1)
      findings.damage("BITLOCKER_ENTRIES", kMetadata,
                      std::to_string(count) + " entries for the " + what + " instead of one");
  }
  size_t end = kBlockHeaderBytes + metadata.dataset.datasetBytes;
  for (size_t offset = end; offset < metadata.block.informationBytes; offset++)
    if (copy.bytes[offset] != std::byte{0})
      return findings.damage("BITLOCKER_ENTRIES", kMetadata, "padding is not zero at offset " + hexText(offset));
}

bool isWholeRecoveryProtector(const Protector& protector) {
  constexpr size_t blobBytes = 80;
  const Entry* stretch = findEntry(protector.entry->nested, role::property, type::stretchKey);
  const Entry* blob = masterKeyBlob(protector);
  return protector.kind == ProtectorKind::recoveryPassword && stretch != nullptr &&
         load16(stretch->payload.data()) == key::recoveryPassword && blob != nullptr && entryBytes(*blob) == blobBytes;
}

void checkProtectors(const Metadata& metadata, Findings& findings) {
  std::vector<Protector> protectors = listProtectors(metadata);
  if (protectors.empty())
    findings.damage("BITLOCKER_ENTRIES", kMetadata, "there is no protector: nothing can open the volume");
  if (std::none_of(protectors.begin(), protectors.end(), isWholeRecoveryProtector))
    findings.warning("BITLOCKER_NO_RECOVERY_PASSWORD", kMetadata, "no recovery password opens the volume");
  for (const Protector& protector : protectors) {
    std::string structure = "protector " + guidText(protector.identifier);
    if (protector.kind == ProtectorKind::clearKey)
      findings.warning("BITLOCKER_NOT_PROTECTED", structure,
                       "the key lies beside the lock: anybody can open the volume (protection is suspended)");
    if (protector.kind == ProtectorKind::tpm)
      findings.warning("BITLOCKER_HOST_BOUND", structure, "it opens the volume on the computer it was made on only");
  }
}

void checkValidation(const CheckedCopy& copy, Findings& findings) {
  constexpr size_t sealBytes = 80;
  const Metadata& metadata = *copy.metadata;
  const Validation& validation = metadata.validation;
  auto wrong = [&](const std::string& message) { findings.damage("BITLOCKER_VALIDATION", kMetadata, message); };
  if (validation.version != kMetadataVersion) wrong("version " + std::to_string(validation.version) + " of the seal");
  if (validation.lengthBytes != kMetadataBytes - metadata.block.informationBytes)
    wrong("a length of " + std::to_string(validation.lengthBytes) + " after " +
          std::to_string(metadata.block.informationBytes) + " bytes of information");
  const Entry& seal = validation.seal;
  bool isSealed = seal.type == type::sealed && entryBytes(seal) == sealBytes;
  if (!isSealed || seal.role != role::property || seal.version != 1)
    wrong("the seal is not an entry of 80 bytes with a wrapped key");
  size_t end = metadata.block.informationBytes + kValidationHeaderBytes + entryBytes(seal);
  auto used = std::find_if(copy.bytes.begin() + static_cast<std::ptrdiff_t>(end), copy.bytes.end(),
                           [](std::byte byte) { return byte != std::byte{0}; });
  if (used != copy.bytes.end())
    wrong("bytes after the seal are not zero, from offset " +
          hexText(static_cast<uint64_t>(used - copy.bytes.begin())));
}

}  // namespace

void checkContents(const CheckedCopies& copies, const BootSector& boot, const Place& place, Findings& findings) {
  const Metadata& metadata = copies.metadata();
  checkState(metadata, boot, place, findings);
  checkRelocation(metadata, boot, place, findings);
  // A decrypted volume keeps the frame but has no keys left to look at.
  if (metadata.block.currentState == kStateDecrypted) return;
  checkMethod(metadata, findings);
  checkEntries(copies.good(), findings);
  checkProtectors(metadata, findings);
  checkCounters(metadata, findings);
  checkValidation(copies.good(), findings);
}

}  // namespace diskferry::bitlocker
