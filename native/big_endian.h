// Unaligned big-endian integers in byte buffers, as XFS has them. The caller has checked the length.
#pragma once

#include "little_endian.h"

namespace diskferry {

inline uint16_t loadBig16(const std::byte* from) { return __builtin_bswap16(load16(from)); }
inline uint32_t loadBig32(const std::byte* from) { return __builtin_bswap32(load32(from)); }
inline uint64_t loadBig64(const std::byte* from) { return __builtin_bswap64(load64(from)); }

}  // namespace diskferry
