#include "bitlocker/unlock.h"

#include <algorithm>
#include <string>

#include "io/aligned_buffer.h"

namespace diskferry::bitlocker {

namespace {

struct GoodCopy {
  std::vector<std::byte> bytes;
  Metadata metadata;
};

Status damaged(const std::string& why) { return Status(ErrorCode::VOLUME_DAMAGED, why); }

bool isRange(uint64_t offsetBytes, uint64_t lengthBytes, uint64_t sizeBytes) {
  return offsetBytes <= sizeBytes && lengthBytes <= sizeBytes - offsetBytes;
}

// The copies that can be read and are whole, without repetition. A volume survives the loss of two.
Result<std::vector<GoodCopy>> readGoodCopies(const Place& place, const std::array<uint64_t, 3>& offsets) {
  std::vector<GoodCopy> copies;
  std::string reasons;
  for (size_t index = 0; index < offsets.size(); index++) {
    auto failed = [&](const std::string& why) { reasons += "; copy " + std::to_string(index + 1) + ": " + why; };
    if (!isRange(offsets[index], kMetadataBytes, place.sizeBytes)) {
      failed("offset " + std::to_string(offsets[index]) + " is outside the volume");
      continue;
    }
    Result<std::vector<std::byte>> bytes = readPlace(place, offsets[index], kMetadataBytes);
    if (!bytes.isOk()) {
      failed(bytes.status().message());
      continue;
    }
    Result<Metadata> metadata = parseMetadata(bytes.value());
    if (!metadata.isOk()) {
      if (metadata.status().code() == ErrorCode::VOLUME_UNSUPPORTED) return metadata.status();
      failed(metadata.status().message());
      continue;
    }
    bool isNew =
        std::none_of(copies.begin(), copies.end(), [&](const GoodCopy& copy) { return copy.bytes == bytes.value(); });
    if (isNew) copies.push_back(GoodCopy{bytes.take(), metadata.take()});
  }
  if (copies.empty()) return damaged("none of the three metadata copies is good" + reasons);
  return copies;
}

}  // namespace

Status checkPlace(const Place& place) {
  uint32_t sectorBytes = place.device->sectorBytes();
  if (isRange(place.offsetBytes, place.sizeBytes, place.device->sizeBytes()) && place.offsetBytes % sectorBytes == 0 &&
      place.sizeBytes >= kHeaderBytes)
    return Status::ok();
  return Status(ErrorCode::DEVICE_RANGE, "a volume at " + std::to_string(place.offsetBytes) + "+" +
                                             std::to_string(place.sizeBytes) + " does not fit on a device of " +
                                             std::to_string(place.device->sizeBytes()) + " bytes with sectors of " +
                                             std::to_string(sectorBytes));
}

Result<std::vector<std::byte>> readPlace(const Place& place, uint64_t offsetBytes, uint64_t lengthBytes) {
  uint64_t sector = place.device->sectorBytes();
  uint64_t start = (place.offsetBytes + offsetBytes) / sector * sector;
  uint64_t end = (place.offsetBytes + offsetBytes + lengthBytes + sector - 1) / sector * sector;
  AlignedBuffer buffer(end - start);
  DISKFERRY_TRY(place.device->read(start, buffer.bytes()));
  auto from = buffer.bytes().subspan(place.offsetBytes + offsetBytes - start, lengthBytes);
  return std::vector<std::byte>(from.begin(), from.end());
}

uint32_t sectorBytesOf(const Metadata& metadata) {
  std::optional<Relocation> relocation = relocationOf(metadata);
  uint64_t sectors = metadata.block.relocatedSectors;
  if (!relocation || sectors == 0 || relocation->lengthBytes % sectors != 0) return 0;
  uint64_t sectorBytes = relocation->lengthBytes / sectors;
  return sectorBytes == 512 || sectorBytes == 4096 ? static_cast<uint32_t>(sectorBytes) : 0;
}

Status checkRegions(const RegionOffsets& regions, uint32_t sectorBytes, uint64_t endBytes) {
  struct Region {
    uint64_t offsetBytes;
    uint64_t lengthBytes;
    const char* name;
  };
  std::vector<Region> places = {{0, regions.headerBytes, "the relocated start"},
                                {regions.metadata[0], kMetadataBytes, "metadata copy 1"},
                                {regions.metadata[1], kMetadataBytes, "metadata copy 2"},
                                {regions.metadata[2], kMetadataBytes, "metadata copy 3"},
                                {regions.header, regions.headerBytes, "the header block"}};
  if (regions.extra != 0) places.push_back({regions.extra, kExtraAreaBytes, "the extra area"});
  auto describe = [](const Region& region) {
    return std::string(region.name) + " at " + std::to_string(region.offsetBytes);
  };
  for (const Region& region : places) {
    if (!isRange(region.offsetBytes, region.lengthBytes, endBytes))
      return damaged(describe(region) + " leaves the first " + std::to_string(endBytes) + " bytes of the volume");
    if (region.offsetBytes % sectorBytes != 0) return damaged(describe(region) + " is not on a sector");
  }
  std::sort(places.begin(), places.end(), [](Region a, Region b) { return a.offsetBytes < b.offsetBytes; });
  for (size_t index = 1; index < places.size(); index++)
    if (places[index].offsetBytes < places[index - 1].offsetBytes + places[index - 1].lengthBytes)
      return damaged(describe(places[index]) + " overlaps " + describe(places[index - 1]));
  return Status::ok();
}

Result<RegionOffsets> regionsOf(const Metadata& metadata, uint64_t volumeBytes) {
  std::optional<Relocation> relocation = relocationOf(metadata);
  uint32_t sectorBytes = sectorBytesOf(metadata);
  if (!relocation || sectorBytes == 0) return damaged("the metadata does not say how the volume's start was relocated");
  RegionOffsets regions{metadata.block.metadataOffsets, metadata.block.headerOffset, relocation->extraOffsetBytes,
                        relocation->lengthBytes};
  if (relocation->offsetBytes != metadata.block.headerOffset)
    return damaged("the header block is at " + std::to_string(metadata.block.headerOffset) + " by one field and at " +
                   std::to_string(relocation->offsetBytes) + " by another");
  // The extra area is ordinary data to a reader, and To Go volumes place and size theirs otherwise: only ours matters.
  if (relocation->extraLengthBytes != kExtraAreaBytes || regions.extra % sectorBytes != 0) regions.extra = 0;
  DISKFERRY_TRY(checkRegions(regions, sectorBytes, volumeBytes));
  return regions;
}

Status checkFinished(Layout layout, const BlockHeader& block) {
  if (block.currentState == kStateDecrypted && block.nextState == kStateDecrypted)
    return Status(ErrorCode::VOLUME_NOT_BITLOCKER,
                  "the volume is decrypted: not encrypted at all, although its BitLocker "
                  "metadata is still there");
  if (layout == Layout::encryptOnWrite)
    return Status(ErrorCode::VOLUME_CONVERTING,
                  "the volume is still being encrypted (encrypt-on-write): let Windows finish first");
  if (block.currentState != kStateEncrypted || block.nextState != kStateEncrypted)
    return Status(ErrorCode::VOLUME_CONVERTING,
                  "the volume is between two states (" + std::to_string(block.currentState) + " to " +
                      std::to_string(block.nextState) + "): let Windows finish encrypting or decrypting first");
  return Status::ok();
}

Result<std::shared_ptr<Volume>> makeVolume(const Place& place, const Metadata& metadata, const Keys& keys) {
  // Sectors after the encrypted size would be plain; a volume in state 4 has none unless its partition was enlarged.
  uint64_t volumeBytes = std::min(place.sizeBytes, metadata.block.encryptedBytes);
  uint32_t sectorBytes = sectorBytesOf(metadata);
  if (sectorBytes == 0 || volumeBytes < kHeaderBytes)
    return damaged("the metadata has no usable sector or volume size");
  volumeBytes -= volumeBytes % sectorBytes;
  if (sectorBytes % place.device->sectorBytes() != 0)
    return Status(ErrorCode::VOLUME_UNSUPPORTED, "the volume has sectors of " + std::to_string(sectorBytes) +
                                                     " bytes, the device of " +
                                                     std::to_string(place.device->sectorBytes()));
  Result<RegionOffsets> regions = regionsOf(metadata, volumeBytes);
  if (!regions.isOk()) return regions.status();
  Result<std::unique_ptr<SectorCipher>> cipher = makeSectorCipher(keys.method, keys.volumeKey.bytes(), sectorBytes);
  if (!cipher.isOk()) return cipher.status();
  return std::make_shared<Volume>(place.device, place.offsetBytes, volumeBytes, sectorBytes, regions.value(),
                                  keys.method, std::shared_ptr<const SectorCipher>(cipher.take()));
}

Result<std::shared_ptr<Volume>> unlockVolume(const Place& place, const Secret& secret) {
  DISKFERRY_TRY(checkPlace(place));
  Result<std::vector<std::byte>> sector = readPlace(place, 0, kBootSectorBytes);
  if (!sector.isOk()) return sector.status();
  BootSector boot = parseBootSector(sector.value());
  if (boot.layout == Layout::none)
    return Status(ErrorCode::VOLUME_NOT_BITLOCKER, "the first sector is not that of a BitLocker volume");
  if (boot.layout == Layout::vista)
    return Status(ErrorCode::VOLUME_UNSUPPORTED, "BitLocker volumes of Windows Vista are not supported");
  Result<std::vector<GoodCopy>> copies = readGoodCopies(place, boot.metadataOffsets);
  if (!copies.isOk()) return copies.status();
  // The seal tells which copy to trust: one that was changed after it was sealed gives way to the next.
  Status status;
  for (const GoodCopy& good : copies.value()) {
    status = checkFinished(boot.layout, good.metadata.block);
    if (!status.isOk()) return status;
    Result<Keys> keys = openKeys(good.metadata, good.bytes, secret);
    if (keys.isOk()) return makeVolume(place, good.metadata, keys.value());
    status = keys.status();
    if (status.code() != ErrorCode::VOLUME_DAMAGED) return status;
  }
  return status;
}

Result<std::shared_ptr<Volume>> attachVolume(const Place& place, std::span<const std::byte> copy,
                                             const Secret& secret) {
  DISKFERRY_TRY(checkPlace(place));
  Result<Metadata> metadata = parseMetadata(copy);
  if (!metadata.isOk()) return metadata.status();
  if (metadata.value().block.encryptedBytes != place.sizeBytes)
    return damaged("the metadata is for a volume of " + std::to_string(metadata.value().block.encryptedBytes) +
                   " bytes, the place has " + std::to_string(place.sizeBytes));
  DISKFERRY_TRY(checkFinished(Layout::fixed, metadata.value().block));
  Result<Keys> keys = openKeys(metadata.value(), copy, secret);
  if (!keys.isOk()) return keys.status();
  return makeVolume(place, metadata.value(), keys.value());
}

}  // namespace diskferry::bitlocker
