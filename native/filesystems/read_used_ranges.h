// The door to this folder: which file system a part of a device holds, and what of it is in use.
#pragma once

#include <memory>

#include "filesystems/used_ranges.h"
#include "sectors.h"

namespace diskferry::filesystems {

// Never more than what was asked for, and nothing is written. Two file systems at one place, one that is not known, and
// one that contradicts itself count as used whole, in state `unknown`; so does one of which something cannot be read.
// DEVICE_RANGE when the range leaves the device or does not begin at a sector.
Result<UsedRanges> readUsedRanges(std::shared_ptr<Sectors> device, uint64_t offsetBytes, uint64_t lengthBytes);

}  // namespace diskferry::filesystems
