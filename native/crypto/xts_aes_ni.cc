// AES-XTS with AES-NI, eight blocks wide. The first tweaks of eight sectors are encrypted together, because with
// 512-byte sectors they are a 32nd of all blocks and alone they would wait for each round.
#include "crypto/fast_ciphers.h"

#if defined(__x86_64__)
#include <algorithm>

#include "crypto/aes_ni_blocks.h"

namespace diskferry {

namespace {

// The field of XTS (IEEE 1619) is GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, little-endian.
constexpr int kPolynomial = 0x87;

// tweak * x^kBits for 0 < kBits < 64: 64-bit halves are shifted, what leaves the low half enters the high one, what
// leaves the high half is multiplied back in.
template <int kBits>
INLINE_AES_NI __m128i timesX(__m128i tweak) {
  __m128i carry = _mm_srli_epi64(tweak, 64 - kBits);
  __m128i folded = _mm_clmulepi64_si128(carry, _mm_cvtsi32_si128(kPolynomial), 0x01);
  return _mm_xor_si128(_mm_xor_si128(_mm_slli_epi64(tweak, kBits), _mm_bslli_si128(carry, 8)), folded);
}

// tweak * x^8, a shift by a byte.
INLINE_AES_NI __m128i timesX8(__m128i tweak) {
  __m128i folded = _mm_clmulepi64_si128(_mm_bsrli_si128(tweak, 15), _mm_cvtsi32_si128(kPolynomial), 0x00);
  return _mm_xor_si128(_mm_bslli_si128(tweak, 1), folded);
}

template <int kRounds, bool kEncrypt>
INLINE_AES_NI void oneSector(const __m128i* keys, __m128i tweak, std::byte* sector, uint32_t sectorBytes) {
  __m128i tweaks[kAesNiBlocks] = {tweak,
                                  timesX<1>(tweak),
                                  timesX<2>(tweak),
                                  timesX<3>(tweak),
                                  timesX<4>(tweak),
                                  timesX<5>(tweak),
                                  timesX<6>(tweak),
                                  timesX<7>(tweak)};
  for (uint32_t at = 0; at < sectorBytes; at += kAesNiBlocks * kAesBlockBytes) {
    __m128i blocks[kAesNiBlocks];
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++)
      blocks[index] = _mm_xor_si128(loadBlock(sector + at + index * kAesBlockBytes), tweaks[index]);
    if constexpr (kEncrypt)
      encryptBlocks<kRounds>(keys, blocks);
    else
      decryptBlocks<kRounds>(keys, blocks);
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++) {
      storeBlock(sector + at + index * kAesBlockBytes, _mm_xor_si128(blocks[index], tweaks[index]));
      tweaks[index] = timesX8(tweaks[index]);
    }
  }
}

template <int kRounds, bool kEncrypt>
TARGET_AES_NI void allSectors(const XtsRun& run) {
  const __m128i* keys = roundKeys(kEncrypt ? run.dataKey.encryptKeys() : run.dataKey.decryptKeys());
  const __m128i* tweakKeys = roundKeys(run.tweakKey.encryptKeys());
  std::byte* sector = run.sectors.data();
  uint64_t number = run.firstSector;
  for (size_t left = run.sectors.size() / run.sectorBytes; left > 0;) {
    __m128i tweaks[kAesNiBlocks];
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++) tweaks[index] = numberBlock(number + index);
    encryptBlocks<kRounds>(tweakKeys, tweaks);
    size_t count = std::min(left, kAesNiBlocks);
    for (size_t index = 0; index < count; index++, sector += run.sectorBytes)
      oneSector<kRounds, kEncrypt>(keys, tweaks[index], sector, run.sectorBytes);
    number += count;
    left -= count;
  }
}

}  // namespace

void xtsEncryptAesNi(const XtsRun& run) {
  run.dataKey.rounds() == 10 ? allSectors<10, true>(run) : allSectors<14, true>(run);
}

void xtsDecryptAesNi(const XtsRun& run) {
  run.dataKey.rounds() == 10 ? allSectors<10, false>(run) : allSectors<14, false>(run);
}

}  // namespace diskferry

#endif
