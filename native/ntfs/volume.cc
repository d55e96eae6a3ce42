#include "ntfs/volume.h"

#include <algorithm>
#include <cstring>

#include "io/aligned_buffer.h"
#include "ntfs/names.h"

namespace diskferry::ntfs {

namespace {

constexpr uint16_t kFlagsNotReadable = 0x4001;  // compressed or encrypted

}  // namespace

Result<std::shared_ptr<NtfsVolume>> NtfsVolume::open(std::shared_ptr<Sectors> sectors) {
  std::shared_ptr<NtfsVolume> volume(new NtfsVolume(std::move(sectors)));
  AlignedBuffer boot(4096);
  if (volume->sectors_->sizeBytes() < boot.size()) return Status(ErrorCode::NTFS_DAMAGED, "the volume is too small");
  DISKFERRY_TRY(volume->sectors_->read(0, boot.bytes()));
  Result<Geometry> geometry = parseBootSector(boot.bytes());
  if (!geometry.isOk()) return geometry.status();
  volume->geometry_ = geometry.value();
  if (geometry.value().volumeBytes() > volume->sectors_->sizeBytes())
    return Status(ErrorCode::NTFS_DAMAGED, "the boot sector says " + std::to_string(geometry.value().volumeBytes()) +
                                               " bytes, the volume has " +
                                               std::to_string(volume->sectors_->sizeBytes()));
  if (geometry.value().sectorBytes < volume->sectors_->sectorBytes())
    return Status(ErrorCode::NTFS_UNSUPPORTED, "a file system with sectors of " +
                                                   std::to_string(geometry.value().sectorBytes) + " bytes on " +
                                                   std::to_string(volume->sectors_->sectorBytes()));
  Result<MftAccess> mft = MftAccess::open(*volume->sectors_, volume->geometry_);
  if (!mft.isOk()) return mft.status();
  volume->mft_ = mft.take();

  // A volume without a readable label is still one.
  AlignedBuffer record(volume->geometry_.recordBytes);
  RecordView view;
  bool isReadable = volume->mft_.readRecord(*volume->sectors_, kVolumeRecord, record.bytes(), view).isOk();
  const Attribute* name = isReadable ? view.find(kVolumeName) : nullptr;
  if (name != nullptr && !name->isNonResident) {
    std::u16string units(name->value.size() / 2, u'\0');
    std::memcpy(units.data(), name->value.data(), 2 * units.size());
    appendUtf8(units, volume->label_);
  }
  return volume;
}

Result<size_t> NtfsVolume::readFile(uint64_t record, uint64_t offsetBytes, std::span<std::byte> into) const {
  AlignedBuffer buffer(geometry_.recordBytes);
  RecordView view;
  DISKFERRY_TRY(mft_.readRecord(*sectors_, record, buffer.bytes(), view));
  std::string name = "MFT record " + std::to_string(record);
  const Attribute* data = view.find(kData);
  if (!view.isInUse() || view.isDirectory() || view.baseReference != 0)
    return Status(ErrorCode::FILE_NOT_FOUND, name + " is not a file");
  if (view.find(kAttributeList) != nullptr)
    return Status(ErrorCode::NTFS_UNSUPPORTED, name + " has an attribute list, which is not supported");
  if (data == nullptr) return Status(ErrorCode::FILE_NOT_FOUND, name + " has no data");
  if ((data->flags & kFlagsNotReadable) != 0)
    return Status(ErrorCode::NTFS_UNSUPPORTED, name + " is compressed or encrypted, which is not supported");
  if (offsetBytes >= data->dataBytes) return size_t{0};
  into = into.first(static_cast<size_t>(std::min<uint64_t>(into.size(), data->dataBytes - offsetBytes)));
  if (!data->isNonResident) {
    std::memcpy(into.data(), data->value.data() + offsetBytes, into.size());
    return into.size();
  }
  std::vector<Run> runs;
  DISKFERRY_TRY(attributeRuns(geometry_, *data, runs));
  uint64_t sector = geometry_.sectorBytes;
  if (offsetBytes % sector == 0 && into.size() % sector == 0) {
    DISKFERRY_TRY(readRuns(*sectors_, geometry_, runs, offsetBytes, into));
  } else {
    uint64_t start = offsetBytes / sector * sector;
    AlignedBuffer whole(alignUp(static_cast<size_t>(offsetBytes - start) + into.size(), sector));
    DISKFERRY_TRY(readRuns(*sectors_, geometry_, runs, start, whole.bytes()));
    std::memcpy(into.data(), whole.data() + (offsetBytes - start), into.size());
  }
  uint64_t initialized = std::max(data->initializedBytes, offsetBytes) - offsetBytes;
  if (initialized < into.size()) std::memset(into.data() + initialized, 0, into.size() - initialized);
  return into.size();
}

}  // namespace diskferry::ntfs
