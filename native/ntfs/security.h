// $Secure: descriptors in a stream ($SDS, every 256 KiB twice) with two indexes ($SII by id, $SDH by hash). One more is
// appended for all our files: everyone may do everything. What mkntfs brings allows administrators only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ntfs/record.h"
#include "status.h"

namespace diskferry::ntfs {

inline constexpr uint64_t kSecurityBlockBytes = 0x40000;  // the copy of an entry lies this much further
inline constexpr size_t kSecurityEntryHeaderBytes = 20;

uint32_t securityHash(std::span<const std::byte> descriptor);
// The self-relative descriptor with id 0x102.
std::span<const std::byte> everyoneDescriptor();

// Appends the descriptor to `stream` and rebuilds record 9 in `record` (fix-ups removed, parsed as `view`) with the
// index entries and the stream's new length. NTFS_UNSUPPORTED when the skeleton's $Secure is not as mkntfs makes it.
Status addEveryoneDescriptor(std::vector<std::byte>& stream, uint64_t allocatedBytes, const RecordView& view,
                             std::span<std::byte> rebuilt);

}  // namespace diskferry::ntfs
