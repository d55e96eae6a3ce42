#include <bit>

#include "hash/md5_blocks.h"
#include "hash/md5_constants.h"
#include "little_endian.h"

namespace diskferry {

namespace {

// One of the 64 steps of RFC 1321. All is constant but the data once the loops are unrolled.
template <int kStep>
inline void step(uint32_t& a, uint32_t b, uint32_t c, uint32_t d, const std::byte* block) {
  uint32_t mixed = 0;
  if constexpr (kStep < 16) mixed = d ^ (b & (c ^ d));
  // The two terms have no common bit: adding them apart shortens the chain from one step to the next.
  else if constexpr (kStep < 32)
    a += b & d, mixed = c & ~d;
  else if constexpr (kStep < 48)
    mixed = b ^ c ^ d;
  else
    mixed = c ^ (b | ~d);
  a += load32(block + 4 * md5::wordIndex(kStep)) + md5::kSines[kStep];
  a = std::rotl(a + mixed, md5::rotation(kStep)) + b;
}

template <int kStep>
inline void steps(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d, const std::byte* block) {
  step<kStep>(a, b, c, d, block);
  step<kStep + 1>(d, a, b, c, block);
  step<kStep + 2>(c, d, a, b, block);
  step<kStep + 3>(b, c, d, a, block);
  if constexpr (kStep + 4 < 64) steps<kStep + 4>(a, b, c, d, block);
}

}  // namespace

void md5Blocks(std::array<uint32_t, 4>& words, const std::byte* data, size_t blocks) {
  auto [a, b, c, d] = words;
  for (; blocks > 0; blocks--, data += kMd5BlockBytes) {
    uint32_t previousA = a, previousB = b, previousC = c, previousD = d;
    steps<0>(a, b, c, d, data);
    a += previousA;
    b += previousB;
    c += previousC;
    d += previousD;
  }
  words = {a, b, c, d};
}

}  // namespace diskferry
