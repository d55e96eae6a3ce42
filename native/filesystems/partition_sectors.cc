#include "filesystems/partition_sectors.h"

#include <cstring>
#include <string>

#include "io/aligned_buffer.h"

namespace diskferry::filesystems {

Status PartitionSectors::read(uint64_t offsetBytes, std::span<std::byte> into) {
  if (offsetBytes > lengthBytes_ || into.size() > lengthBytes_ - offsetBytes)
    return Status(ErrorCode::DEVICE_RANGE, "bytes " + std::to_string(offsetBytes) + " to " +
                                               std::to_string(offsetBytes + into.size()) + " leave the partition of " +
                                               std::to_string(lengthBytes_));
  uint32_t unit = sectorBytes();
  if (offsetBytes % unit == 0 && into.size() % unit == 0) return device_->read(offsetBytes_ + offsetBytes, into);
  uint64_t start = offsetBytes / unit * unit;
  uint64_t end = (offsetBytes + into.size() + unit - 1) / unit * unit;
  AlignedBuffer buffer(end - start);
  DISKFERRY_TRY(device_->read(offsetBytes_ + start, buffer.bytes()));
  std::memcpy(into.data(), buffer.data() + (offsetBytes - start), into.size());
  return Status::ok();
}

}  // namespace diskferry::filesystems
