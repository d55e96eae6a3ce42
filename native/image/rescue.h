// Reading around bad sectors: a failed range again in pieces of 64 KiB, their failures by sectors, those once more each
// time that was asked for. What stays unreadable is zeros.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "image/ranges.h"
#include "sectors.h"

namespace diskferry::image {

// Fills `into` from `offsetBytes`; appends what could not be read, by sectors, neighbours joined. Gives up when `stop`.
void rescue(Sectors& device, uint64_t offsetBytes, std::span<std::byte> into, unsigned retries,
            const std::atomic<bool>& stop, std::vector<Range>& unreadable);

// Reads as rescue() does, but only up to the first sector that cannot be read: its failure, or OK when all can.
Status firstFailure(Sectors& device, uint64_t offsetBytes, std::span<std::byte> into);

}  // namespace diskferry::image
