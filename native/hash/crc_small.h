// CRC-32C (Castagnoli) and CRC-16 (reflected 0x8005) as ext4 and XFS sum their metadata: the plain remainder, which the
// caller inverts where the format asks for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace diskferry {

// Continue from the value of the piece before; both formats start with all bits set.
uint32_t crc32c(std::span<const std::byte> data, uint32_t previous);
uint16_t crc16(std::span<const std::byte> data, uint16_t previous);

}  // namespace diskferry
