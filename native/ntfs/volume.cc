#include "ntfs/volume.h"

#include <algorithm>
#include <cstring>

#include "io/aligned_buffer.h"
#include "ntfs/names.h"

namespace diskferry::ntfs {

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

Result<std::shared_ptr<const FileReader>> NtfsVolume::openFile(uint64_t record) const {
  {
    std::scoped_lock lock(openedMutex_);
    auto known = std::ranges::find(opened_, record, &OpenedFile::record);
    if (known != opened_.end()) {
      std::rotate(opened_.begin(), known, known + 1);
      return opened_[0].reader;
    }
  }
  AlignedBuffer buffer(geometry_.recordBytes);
  RecordView view;
  DISKFERRY_TRY(mft_.readRecord(*sectors_, record, buffer.bytes(), view));
  FileAttributes attributes;
  bool isBase = view.isInUse() && view.baseReference == 0 && !view.isDirectory();
  Status collected = isBase ? attributes.collect(*sectors_, geometry_, mft_, record, view) : Status::ok();
  if (!isBase || (attributes.find(kData) == nullptr && attributes.find(kFileName) == nullptr))
    return Status(ErrorCode::FILE_NOT_FOUND, "MFT record " + std::to_string(record) + " is not a file");
  // Not a damaged file: another attempt may succeed.
  if (!collected.isOk() && collected.code() != ErrorCode::NTFS_DAMAGED) return collected;
  FileContent content;
  describeContent(geometry_, record, attributes, collected, content);
  auto reader = std::make_shared<const FileReader>(std::move(content));
  std::scoped_lock lock(openedMutex_);
  opened_.insert(opened_.begin(), {record, reader});
  if (opened_.size() > kOpenedMax) opened_.pop_back();
  return reader;
}

Result<size_t> NtfsVolume::readFile(uint64_t record, uint64_t offsetBytes, std::span<std::byte> into) const {
  Result<std::shared_ptr<const FileReader>> reader = openFile(record);
  if (!reader.isOk()) return reader.status();
  return reader.value()->read(*sectors_, geometry_, offsetBytes, into);
}

}  // namespace diskferry::ntfs
