// AES-XTS with VAES on AVX-512: sixteen blocks wide, four to a register. The first tweaks of sixteen sectors are
// encrypted together. Wider than four registers is slower with 512-byte sectors, which have only eight.
#include "crypto/fast_ciphers.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#define TARGET_VAES __attribute__((target("avx512f,avx512bw,avx512vl,vaes,vpclmulqdq")))
#define INLINE_VAES __attribute__((target("avx512f,avx512bw,avx512vl,vaes,vpclmulqdq"), always_inline)) static inline

namespace diskferry {

namespace {

constexpr size_t kVectors = 4;
constexpr size_t kVectorBytes = 64;
constexpr size_t kBlocks = kVectors * kVectorBytes / kAesBlockBytes;

template <int kRounds>
struct RoundKeys {
  __m512i key[kRounds + 1];
};

template <int kRounds>
INLINE_VAES void spread(RoundKeys<kRounds>& keys, const std::byte* schedule) {
#pragma GCC unroll 15
  for (int round = 0; round <= kRounds; round++)
    keys.key[round] = _mm512_broadcast_i32x4(
        _mm_load_si128(reinterpret_cast<const __m128i*>(schedule + round * int{kAesBlockBytes})));
}

template <int kRounds, bool kEncrypt>
INLINE_VAES void transform(const RoundKeys<kRounds>& keys, __m512i* blocks) {
#pragma GCC unroll 4
  for (size_t index = 0; index < kVectors; index++) blocks[index] = _mm512_xor_si512(blocks[index], keys.key[0]);
#pragma GCC unroll 14
  for (int round = 1; round < kRounds; round++)
#pragma GCC unroll 4
    for (size_t index = 0; index < kVectors; index++)
      blocks[index] = kEncrypt ? _mm512_aesenc_epi128(blocks[index], keys.key[round])
                               : _mm512_aesdec_epi128(blocks[index], keys.key[round]);
#pragma GCC unroll 4
  for (size_t index = 0; index < kVectors; index++)
    blocks[index] = kEncrypt ? _mm512_aesenclast_epi128(blocks[index], keys.key[kRounds])
                             : _mm512_aesdeclast_epi128(blocks[index], keys.key[kRounds]);
}

// The field of XTS (IEEE 1619) is GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, little-endian; the constant is in the low
// half of every block.
INLINE_VAES __m512i polynomial() { return _mm512_maskz_set1_epi64(0x55, 0x87); }

// Four blocks times x^(8 * kBytes): a shift, and what leaves at the top multiplied back in.
template <int kBytes>
INLINE_VAES __m512i timesXBytes(__m512i tweaks) {
  __m512i folded = _mm512_clmulepi64_epi128(_mm512_bsrli_epi128(tweaks, 16 - kBytes), polynomial(), 0x00);
  return _mm512_xor_si512(_mm512_bslli_epi128(tweaks, kBytes), folded);
}

// Four blocks, each times x^bits with its own number of bits (given for both 64-bit halves), below 64.
INLINE_VAES __m512i timesXBits(__m512i tweaks, __m512i bits) {
  __m512i carry = _mm512_srlv_epi64(tweaks, _mm512_sub_epi64(_mm512_set1_epi64(64), bits));
  __m512i folded = _mm512_clmulepi64_epi128(carry, polynomial(), 0x01);
  return _mm512_ternarylogic_epi64(_mm512_sllv_epi64(tweaks, bits), _mm512_bslli_epi128(carry, 8), folded, 0x96);
}

template <int kRounds, bool kEncrypt>
INLINE_VAES void oneSector(const RoundKeys<kRounds>& keys, __m512i tweak, std::byte* sector, uint32_t sectorBytes) {
  __m512i tweaks[kVectors];
  // Blocks 0 to 3, then 4 to 7 as x^4 times them, ...
  tweaks[0] = timesXBits(tweak, _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0));
  tweaks[1] = timesXBits(tweaks[0], _mm512_set1_epi64(4));
  tweaks[2] = timesXBytes<1>(tweaks[0]);
  tweaks[3] = timesXBytes<1>(tweaks[1]);
  for (uint32_t at = 0; at < sectorBytes; at += kVectors * kVectorBytes) {
    __m512i blocks[kVectors];
#pragma GCC unroll 4
    for (size_t index = 0; index < kVectors; index++)
      blocks[index] = _mm512_xor_si512(_mm512_loadu_si512(sector + at + index * kVectorBytes), tweaks[index]);
    transform<kRounds, kEncrypt>(keys, blocks);
#pragma GCC unroll 4
    for (size_t index = 0; index < kVectors; index++) {
      _mm512_storeu_si512(sector + at + index * kVectorBytes, _mm512_xor_si512(blocks[index], tweaks[index]));
      tweaks[index] = timesXBytes<2>(tweaks[index]);
    }
  }
}

// The round keys of one schedule and the blocks fill the registers. The two functions below stay apart so that only one
// schedule is loaded at a time: a second one would be spilled to the stack, and remain there.

// The first tweaks of the next sixteen sectors.
template <int kRounds>
TARGET_VAES __attribute__((noinline)) void encryptNumbers(const std::byte* tweakKeys, uint64_t number, __m128i* into) {
  RoundKeys<kRounds> keys;
  spread(keys, tweakKeys);
  __m512i blocks[kVectors];
#pragma GCC unroll 4
  for (size_t index = 0; index < kVectors; index++)
    blocks[index] = _mm512_maskz_add_epi64(0x55, _mm512_set1_epi64(static_cast<long long>(number + index * 4)),
                                           _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0));
  transform<kRounds, true>(keys, blocks);
#pragma GCC unroll 4
  for (size_t index = 0; index < kVectors; index++) _mm512_storeu_si512(into + index * 4, blocks[index]);
}

template <int kRounds, bool kEncrypt>
TARGET_VAES __attribute__((noinline)) void someSectors(const std::byte* dataKeys, const __m128i* tweaks,
                                                       std::byte* sectors, uint32_t sectorBytes, size_t count) {
  RoundKeys<kRounds> keys;
  spread(keys, dataKeys);
  for (size_t index = 0; index < count; index++)
    oneSector<kRounds, kEncrypt>(keys, _mm512_broadcast_i32x4(tweaks[index]), sectors + index * sectorBytes,
                                 sectorBytes);
}

template <int kRounds, bool kEncrypt>
TARGET_VAES void allSectors(const XtsRun& run) {
  const std::byte* dataKeys = kEncrypt ? run.dataKey.encryptKeys() : run.dataKey.decryptKeys();
  size_t total = run.sectors.size() / run.sectorBytes;
  for (size_t first = 0; first < total; first += kBlocks) {
    __m128i tweaks[kBlocks];
    encryptNumbers<kRounds>(run.tweakKey.encryptKeys(), run.firstSector + first, tweaks);
    someSectors<kRounds, kEncrypt>(dataKeys, tweaks, run.sectors.data() + first * run.sectorBytes, run.sectorBytes,
                                   std::min(total - first, kBlocks));
  }
}

}  // namespace

void xtsEncryptVaes(const XtsRun& run) {
  run.dataKey.rounds() == 10 ? allSectors<10, true>(run) : allSectors<14, true>(run);
}

void xtsDecryptVaes(const XtsRun& run) {
  run.dataKey.rounds() == 10 ? allSectors<10, false>(run) : allSectors<14, false>(run);
}

}  // namespace diskferry

#endif
