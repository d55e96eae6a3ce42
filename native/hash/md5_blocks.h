// Inner loops of MD5, internal to native/hash: whole 64-byte blocks, no padding. md5_lanes.cc feeds them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace diskferry {

inline constexpr size_t kMd5BlockBytes = 64;
inline constexpr size_t kMd5LanesMax = 32;

// One message: `words` (A, B, C, D) over `blocks` blocks.
void md5Blocks(std::array<uint32_t, 4>& words, const std::byte* data, size_t blocks);

// The chaining words of many messages: all A, then all B, C, D, so that a vector register loads one word of its lanes.
struct alignas(64) Md5LaneWords {
  uint32_t word[4][kMd5LanesMax];
};

// As many messages as the name says, each over `blocks` blocks from its own pointer, which need not be aligned. All
// pointers must be readable; a lane without a message may repeat the pointer of another one.
void md5Avx2Lanes8(Md5LaneWords& words, const std::byte* const* data, size_t blocks);
void md5Avx2Lanes16(Md5LaneWords& words, const std::byte* const* data, size_t blocks);
void md5Avx512Lanes16(Md5LaneWords& words, const std::byte* const* data, size_t blocks);
void md5Avx512Lanes32(Md5LaneWords& words, const std::byte* const* data, size_t blocks);

}  // namespace diskferry
