// The readers of the single file systems. Each fills in what it recognized and adds what is in use; a failed Status
// says why all of the partition has to count as used instead. Trees are followed so far only as their volume allows.
#pragma once

#include "filesystems/partition_sectors.h"
#include "filesystems/used_ranges.h"

namespace diskferry::filesystems {

// dirty or needsRecovery, the first reason that is found.
inline void suspect(UsedRanges& found, VolumeState state, std::string reason) {
  if (found.state != VolumeState::clean) return;
  found.state = state;
  found.reason = std::move(reason);
}

// Of `partition`, whose start has the file system's signature. `volume` is `partition`, shared.
Status readExt(PartitionSectors& partition, UsedRanges& found, RangeCollector& used);
Status readNtfs(std::shared_ptr<PartitionSectors> partition, UsedRanges& found, RangeCollector& used);
Status readFat(PartitionSectors& partition, UsedRanges& found, RangeCollector& used);
Status readExfat(PartitionSectors& partition, UsedRanges& found, RangeCollector& used);
Status readXfs(PartitionSectors& partition, UsedRanges& found, RangeCollector& used);
// `pageBytes`: of the system that made it, which the place of its signature tells.
Status readSwap(PartitionSectors& partition, uint32_t pageBytes, UsedRanges& found, RangeCollector& used);

}  // namespace diskferry::filesystems
