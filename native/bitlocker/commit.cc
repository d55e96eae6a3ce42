#include "bitlocker/commit.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "bitlocker/boot_sector.h"
#include "bitlocker/metadata.h"
#include "crypto/secure_memory.h"
#include "io/aligned_buffer.h"

namespace diskferry::bitlocker {

namespace {

Result<AlignedBuffer> readDevice(const Volume& volume, uint64_t offsetBytes, uint64_t lengthBytes) {
  AlignedBuffer found(lengthBytes);
  DISKFERRY_TRY(volume.device()->read(volume.volumeOffsetBytes() + offsetBytes, found.bytes()));
  return found;
}

Status compare(const Volume& volume, uint64_t offsetBytes, std::span<const std::byte> written,
               const std::string& what) {
  Result<AlignedBuffer> found = readDevice(volume, offsetBytes, written.size());
  if (!found.isOk()) return found.status();
  auto [expected, actual] = std::mismatch(written.begin(), written.end(), found.value().bytes().begin());
  if (expected == written.end()) return Status::ok();
  return Status(ErrorCode::DEVICE_WRITE_FAILED, what + " was written, but reads back differently at offset " +
                                                    std::to_string(offsetBytes + (expected - written.begin())) +
                                                    " of the volume");
}

Status checkBelongs(const Volume& volume, std::span<const std::byte> copy) {
  Result<Metadata> metadata = parseMetadata(copy);
  if (!metadata.isOk()) return metadata.status();
  Result<RegionOffsets> regions = regionsOf(metadata.value(), volume.sizeBytes());
  if (!regions.isOk()) return regions.status();
  const RegionOffsets& own = volume.regions();
  if (metadata.value().block.encryptedBytes == volume.sizeBytes() && regions.value().metadata == own.metadata &&
      regions.value().header == own.header && regions.value().extra == own.extra &&
      metadata.value().dataset.method == static_cast<uint16_t>(volume.method()))
    return Status::ok();
  return Status(ErrorCode::VOLUME_DAMAGED, "the metadata is not that of the volume it is to be written to");
}

// The inner boot sector, as the file system wrote it.
Result<AlignedBuffer> readInnerBoot(Volume& volume) {
  AlignedBuffer sector(volume.sectorBytes());
  DISKFERRY_TRY(volume.read(0, sector.bytes()));
  if (std::memcmp(sector.data() + 3, "NTFS    ", 8) != 0)
    return Status(ErrorCode::NTFS_DAMAGED, "no NTFS boot sector has been written to the volume");
  return sector;
}

Status writeZeros(Sectors& sectors, uint64_t offsetBytes, uint64_t lengthBytes) {
  AlignedBuffer zeros(lengthBytes);
  std::memset(zeros.data(), 0, zeros.size());
  return sectors.write(offsetBytes, zeros.bytes());
}

}  // namespace

Status commitMetadata(Volume& volume, std::span<const std::byte> metadata) {
  DISKFERRY_TRY(checkBelongs(volume, metadata));
  Result<AlignedBuffer> inner = readInnerBoot(volume);
  if (!inner.isOk()) return inner.status();
  const RegionOffsets& regions = volume.regions();
  uint64_t start = volume.volumeOffsetBytes();
  Sectors& device = *volume.device();

  if (regions.extra != 0) DISKFERRY_TRY(writeZeros(volume, regions.extra, kExtraAreaBytes));
  AlignedBuffer copy(metadata.size());
  std::memcpy(copy.data(), metadata.data(), metadata.size());
  for (size_t index = regions.metadata.size(); index-- > 0;)
    DISKFERRY_TRY(device.write(start + regions.metadata[index], copy.bytes()));
  // All of the first 8 KiB in one buffer: its first sector stays zero until the rest is safe.
  AlignedBuffer front(kHeaderBytes);
  DISKFERRY_TRY(fillRandom(front.bytes()));
  std::memset(front.data(), 0, volume.sectorBytes());
  DISKFERRY_TRY(device.write(start, front.bytes()));
  DISKFERRY_TRY(device.flush());

  std::vector<std::byte> boot = encodeBootSector(
      volume.sectorBytes(), inner.value().bytes().subspan(kParameterOffset, kParameterBytes), regions.metadata);
  std::memcpy(front.data(), boot.data(), boot.size());
  DISKFERRY_TRY(device.write(start, front.bytes().first(volume.sectorBytes())));
  DISKFERRY_TRY(device.flush());

  for (size_t index = 0; index < regions.metadata.size(); index++)
    DISKFERRY_TRY(compare(volume, regions.metadata[index], copy.bytes(), "metadata copy " + std::to_string(index + 1)));
  return compare(volume, 0, front.bytes(), "the boot sector");
}

Status eraseVolumeStart(const Place& place, const RegionOffsets& regions) {
  DISKFERRY_TRY(checkPlace(place));
  DISKFERRY_TRY(checkRegions(regions, place.device->sectorBytes(), place.sizeBytes));
  DISKFERRY_TRY(writeZeros(*place.device, place.offsetBytes, kHeaderBytes));
  DISKFERRY_TRY(place.device->flush());
  for (uint64_t offset : regions.metadata)
    DISKFERRY_TRY(writeZeros(*place.device, place.offsetBytes + offset, kMetadataBytes));
  DISKFERRY_TRY(writeZeros(*place.device, place.offsetBytes + regions.header, regions.headerBytes));
  return place.device->flush();
}

}  // namespace diskferry::bitlocker
