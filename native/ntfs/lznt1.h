// LZNT1, the compression of NTFS files: chunks of 4 KiB, each stored as it is or as literals and back references.
// Written from the published description of the format ([MS-XCA]).
#pragma once

#include <cstddef>
#include <span>

namespace diskferry::ntfs {

// Fills all of `into`; what the chunks do not reach becomes zero. False when a chunk leaves `from`, is no chunk, or
// refers to bytes before its own start: `into` is then undefined. Never reads or writes elsewhere, and its time is
// bounded by the two lengths.
bool decompressLznt1(std::span<const std::byte> from, std::span<std::byte> into);

}  // namespace diskferry::ntfs
