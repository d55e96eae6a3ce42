// MD5 of 16 or 32 messages with AVX-512: a ternary-logic instruction is each of MD5's functions, and there is a
// rotation. 32 lanes are two registers a word, one filling the waits of the other. Runs only after a check of the CPU,
// so the instructions are allowed function by function and not for the file.
#include "hash/md5_blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "hash/md5_constants.h"

#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#define INLINE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl"), always_inline)) static inline

namespace diskferry {

namespace {

using Vector = __m512i;
constexpr size_t kLanes = 16;

template <int kStep>
INLINE_AVX512 Vector mix(Vector b, Vector c, Vector d) {
  // Truth tables of RFC 1321's F, G, H and I.
  if constexpr (kStep < 16) return _mm512_ternarylogic_epi32(b, c, d, 0xca);
  if constexpr (kStep < 32) return _mm512_ternarylogic_epi32(b, c, d, 0xe4);
  if constexpr (kStep < 48) return _mm512_ternarylogic_epi32(b, c, d, 0x96);
  return _mm512_ternarylogic_epi32(b, c, d, 0x39);
}

template <int kStep, size_t kGroups>
INLINE_AVX512 void step(Vector* a, const Vector* b, const Vector* c, const Vector* d, const Vector (*block)[16]) {
  Vector sine = _mm512_set1_epi32(static_cast<int>(md5::kSines[kStep]));
#pragma GCC unroll 2
  for (size_t group = 0; group < kGroups; group++) {
    // Everything that does not wait for the step before is added first.
    Vector sum = _mm512_add_epi32(a[group], _mm512_add_epi32(block[group][md5::wordIndex(kStep)], sine));
    sum = _mm512_add_epi32(sum, mix<kStep>(b[group], c[group], d[group]));
    a[group] = _mm512_add_epi32(_mm512_rol_epi32(sum, md5::rotation(kStep)), b[group]);
  }
}

template <int kStep, size_t kGroups>
INLINE_AVX512 void steps(Vector* a, Vector* b, Vector* c, Vector* d, const Vector (*block)[16]) {
  step<kStep, kGroups>(a, b, c, d, block);
  step<kStep + 1, kGroups>(d, a, b, c, block);
  step<kStep + 2, kGroups>(c, d, a, b, block);
  step<kStep + 3, kGroups>(b, c, d, a, block);
  if constexpr (kStep + 4 < 64) steps<kStep + 4, kGroups>(a, b, c, d, block);
}

// 64 bytes of each of 16 messages become 16 registers, each with one word of all messages.
INLINE_AVX512 void transpose(const std::byte* const* data, size_t offset, Vector* words) {
  Vector row[16], pair[16];
#pragma GCC unroll 16
  for (size_t lane = 0; lane < 16; lane++) row[lane] = _mm512_loadu_si512(data[lane] + offset);
#pragma GCC unroll 8
  for (size_t lane = 0; lane < 16; lane += 2) {
    pair[lane] = _mm512_unpacklo_epi32(row[lane], row[lane + 1]);
    pair[lane + 1] = _mm512_unpackhi_epi32(row[lane], row[lane + 1]);
  }
  // row[lane + n] gets word n of every 128-bit quarter, for four messages.
#pragma GCC unroll 4
  for (size_t lane = 0; lane < 16; lane += 4) {
    row[lane] = _mm512_unpacklo_epi64(pair[lane], pair[lane + 2]);
    row[lane + 1] = _mm512_unpackhi_epi64(pair[lane], pair[lane + 2]);
    row[lane + 2] = _mm512_unpacklo_epi64(pair[lane + 1], pair[lane + 3]);
    row[lane + 3] = _mm512_unpackhi_epi64(pair[lane + 1], pair[lane + 3]);
  }
#pragma GCC unroll 4
  for (size_t word = 0; word < 4; word++) {
    Vector firstLow = _mm512_shuffle_i32x4(row[word], row[4 + word], 0x44);
    Vector firstHigh = _mm512_shuffle_i32x4(row[word], row[4 + word], 0xee);
    Vector lastLow = _mm512_shuffle_i32x4(row[8 + word], row[12 + word], 0x44);
    Vector lastHigh = _mm512_shuffle_i32x4(row[8 + word], row[12 + word], 0xee);
    words[word] = _mm512_shuffle_i32x4(firstLow, lastLow, 0x88);
    words[4 + word] = _mm512_shuffle_i32x4(firstLow, lastLow, 0xdd);
    words[8 + word] = _mm512_shuffle_i32x4(firstHigh, lastHigh, 0x88);
    words[12 + word] = _mm512_shuffle_i32x4(firstHigh, lastHigh, 0xdd);
  }
}

template <size_t kGroups>
INLINE_AVX512 void run(Md5LaneWords& words, const std::byte* const* data, size_t blocks) {
  Vector state[4][kGroups], previous[4][kGroups], block[kGroups][16];
  for (size_t word = 0; word < 4; word++)
    for (size_t group = 0; group < kGroups; group++)
      state[word][group] = _mm512_load_si512(&words.word[word][group * kLanes]);
  for (size_t offset = 0; offset < blocks * kMd5BlockBytes; offset += kMd5BlockBytes) {
#pragma GCC unroll 2
    for (size_t group = 0; group < kGroups; group++) transpose(data + group * kLanes, offset, block[group]);
#pragma GCC unroll 4
    for (size_t word = 0; word < 4; word++)
#pragma GCC unroll 2
      for (size_t group = 0; group < kGroups; group++) previous[word][group] = state[word][group];
    steps<0, kGroups>(state[0], state[1], state[2], state[3], block);
#pragma GCC unroll 4
    for (size_t word = 0; word < 4; word++)
#pragma GCC unroll 2
      for (size_t group = 0; group < kGroups; group++)
        state[word][group] = _mm512_add_epi32(state[word][group], previous[word][group]);
  }
  for (size_t word = 0; word < 4; word++)
    for (size_t group = 0; group < kGroups; group++)
      _mm512_store_si512(&words.word[word][group * kLanes], state[word][group]);
}

}  // namespace

TARGET_AVX512 void md5Avx512Lanes16(Md5LaneWords& words, const std::byte* const* data, size_t blocks) {
  run<1>(words, data, blocks);
}

TARGET_AVX512 void md5Avx512Lanes32(Md5LaneWords& words, const std::byte* const* data, size_t blocks) {
  run<2>(words, data, blocks);
}

}  // namespace diskferry

#endif
