// The last and the first thing written to a new volume. A volume exists from the moment its boot sector is on the disk,
// so that one is erased first and written last.
#pragma once

#include <span>

#include "bitlocker/unlock.h"
#include "bitlocker/volume.h"
#include "status.h"

namespace diskferry::bitlocker {

// Makes the volume real: zeros (encrypted) in the extra area, metadata copies 3, 2, 1, random bytes over the rest of
// the first 8 KiB, flush, boot sector, flush, and everything is read back and compared. The file system, its boot
// sector at least, has been written through the volume before (NTFS_DAMAGED if not). `metadata` is what the volume was
// attached with (VOLUME_DAMAGED if it belongs to another). After a failure there is no boot sector, or a whole volume.
Status commitMetadata(Volume& volume, std::span<const std::byte> metadata);

// Zeros over the first 8 KiB, then over the three metadata places and the header block, with a flush after each of the
// two, so that a half-made drive is never taken for a finished one.
Status eraseVolumeStart(const Place& place, const RegionOffsets& regions);

}  // namespace diskferry::bitlocker
