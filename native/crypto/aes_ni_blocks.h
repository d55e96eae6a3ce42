// Eight AES blocks at once with AES-NI: enough independent work to hide the latency of a round. Internal to
// native/crypto.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define TARGET_AES_NI __attribute__((target("aes,pclmul,avx")))
#define INLINE_AES_NI __attribute__((target("aes,pclmul,avx"), always_inline)) static inline

namespace diskferry {

inline constexpr size_t kAesNiBlocks = 8;

template <int kRounds>
INLINE_AES_NI void encryptBlocks(const __m128i* keys, __m128i* blocks) {
#pragma GCC unroll 8
  for (size_t index = 0; index < kAesNiBlocks; index++) blocks[index] = _mm_xor_si128(blocks[index], keys[0]);
#pragma GCC unroll 14
  for (int round = 1; round < kRounds; round++)
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++) blocks[index] = _mm_aesenc_si128(blocks[index], keys[round]);
#pragma GCC unroll 8
  for (size_t index = 0; index < kAesNiBlocks; index++)
    blocks[index] = _mm_aesenclast_si128(blocks[index], keys[kRounds]);
}

template <int kRounds>
INLINE_AES_NI void decryptBlocks(const __m128i* keys, __m128i* blocks) {
#pragma GCC unroll 8
  for (size_t index = 0; index < kAesNiBlocks; index++) blocks[index] = _mm_xor_si128(blocks[index], keys[0]);
#pragma GCC unroll 14
  for (int round = 1; round < kRounds; round++)
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++) blocks[index] = _mm_aesdec_si128(blocks[index], keys[round]);
#pragma GCC unroll 8
  for (size_t index = 0; index < kAesNiBlocks; index++)
    blocks[index] = _mm_aesdeclast_si128(blocks[index], keys[kRounds]);
}

INLINE_AES_NI __m128i loadBlock(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
INLINE_AES_NI void storeBlock(std::byte* into, __m128i block) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(into), block);
}
// A 128-bit little-endian number.
INLINE_AES_NI __m128i numberBlock(uint64_t number) { return _mm_set_epi64x(0, static_cast<long long>(number)); }

inline const __m128i* roundKeys(const std::byte* keys) { return reinterpret_cast<const __m128i*>(keys); }

}  // namespace diskferry
