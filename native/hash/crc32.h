// CRC-32 (IEEE 802.3, as in zlib), used by BitLocker metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace diskferry {

// Continues from `previous`; start with 0.
uint32_t crc32(std::span<const std::byte> data, uint32_t previous = 0);

}  // namespace diskferry
