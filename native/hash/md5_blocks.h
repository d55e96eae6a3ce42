// Inner loops of MD5, internal to native/hash: whole 64-byte blocks, no padding. md5_lanes.cc feeds them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace diskferry {

inline constexpr size_t kMd5BlockBytes = 64;

// One message: `words` (A, B, C, D) over `blocks` blocks.
void md5Blocks(std::array<uint32_t, 4>& words, const std::byte* data, size_t blocks);

}  // namespace diskferry
