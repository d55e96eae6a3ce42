// Whether an XFS journal ends with the record of an unmount: only then do the trees on the disk say what is in use.
#pragma once

#include "filesystems/partition_sectors.h"
#include "filesystems/xfs_superblock.h"

namespace diskferry::filesystems {

// False also when that cannot be told.
Result<bool> isXfsLogClean(PartitionSectors& partition, const XfsSuperblock& super);

}  // namespace diskferry::filesystems
