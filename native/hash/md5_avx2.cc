// MD5 of 8 or 16 messages with AVX2. 16 lanes are two registers a word, one filling the waits of the other, which AVX2
// needs more than AVX-512: it has no rotation and no three-way logic, so a step is a longer chain. Runs only after a
// check of the CPU, so the instructions are allowed function by function and not for the file.
#include "hash/md5_blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "hash/md5_constants.h"

#define TARGET_AVX2 __attribute__((target("avx2")))
#define INLINE_AVX2 __attribute__((target("avx2"), always_inline)) static inline

namespace diskferry {

namespace {

using Vector = __m256i;
constexpr size_t kLanes = 8;

template <int kStep>
INLINE_AVX2 Vector mix(Vector b, Vector c, Vector d) {
  if constexpr (kStep < 16) return _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)));
  if constexpr (kStep < 32) return _mm256_or_si256(_mm256_andnot_si256(d, c), _mm256_and_si256(b, d));
  if constexpr (kStep < 48) return _mm256_xor_si256(b, _mm256_xor_si256(c, d));
  return _mm256_xor_si256(c, _mm256_or_si256(b, _mm256_xor_si256(d, _mm256_set1_epi32(-1))));
}

template <int kStep, size_t kGroups>
INLINE_AVX2 void step(Vector* a, const Vector* b, const Vector* c, const Vector* d, const Vector (*block)[16]) {
  constexpr int kRotation = md5::rotation(kStep);
  Vector sine = _mm256_set1_epi32(static_cast<int>(md5::kSines[kStep]));
#pragma GCC unroll 2
  for (size_t group = 0; group < kGroups; group++) {
    // Everything that does not wait for the step before is added first.
    Vector sum = _mm256_add_epi32(a[group], _mm256_add_epi32(block[group][md5::wordIndex(kStep)], sine));
    sum = _mm256_add_epi32(sum, mix<kStep>(b[group], c[group], d[group]));
    sum = _mm256_or_si256(_mm256_slli_epi32(sum, kRotation), _mm256_srli_epi32(sum, 32 - kRotation));
    a[group] = _mm256_add_epi32(sum, b[group]);
  }
}

template <int kStep, size_t kGroups>
INLINE_AVX2 void steps(Vector* a, Vector* b, Vector* c, Vector* d, const Vector (*block)[16]) {
  step<kStep, kGroups>(a, b, c, d, block);
  step<kStep + 1, kGroups>(d, a, b, c, block);
  step<kStep + 2, kGroups>(c, d, a, b, block);
  step<kStep + 3, kGroups>(b, c, d, a, block);
  if constexpr (kStep + 4 < 64) steps<kStep + 4, kGroups>(a, b, c, d, block);
}

// 32 bytes of each of 8 messages become 8 registers, each with one word of all messages.
INLINE_AVX2 void transposeHalf(const std::byte* const* data, size_t offset, Vector* words) {
  Vector row[8], pair[8];
#pragma GCC unroll 8
  for (size_t lane = 0; lane < 8; lane++)
    row[lane] = _mm256_loadu_si256(reinterpret_cast<const Vector*>(data[lane] + offset));
#pragma GCC unroll 4
  for (size_t lane = 0; lane < 8; lane += 2) {
    pair[lane] = _mm256_unpacklo_epi32(row[lane], row[lane + 1]);
    pair[lane + 1] = _mm256_unpackhi_epi32(row[lane], row[lane + 1]);
  }
  // row[lane + n] gets word n of both 128-bit halves, for four messages.
#pragma GCC unroll 2
  for (size_t lane = 0; lane < 8; lane += 4) {
    row[lane] = _mm256_unpacklo_epi64(pair[lane], pair[lane + 2]);
    row[lane + 1] = _mm256_unpackhi_epi64(pair[lane], pair[lane + 2]);
    row[lane + 2] = _mm256_unpacklo_epi64(pair[lane + 1], pair[lane + 3]);
    row[lane + 3] = _mm256_unpackhi_epi64(pair[lane + 1], pair[lane + 3]);
  }
#pragma GCC unroll 4
  for (size_t word = 0; word < 4; word++) {
    words[word] = _mm256_permute2x128_si256(row[word], row[4 + word], 0x20);
    words[4 + word] = _mm256_permute2x128_si256(row[word], row[4 + word], 0x31);
  }
}

template <size_t kGroups>
INLINE_AVX2 void run(Md5LaneWords& words, const std::byte* const* data, size_t blocks) {
  Vector state[4][kGroups], previous[4][kGroups], block[kGroups][16];
  for (size_t word = 0; word < 4; word++)
    for (size_t group = 0; group < kGroups; group++)
      state[word][group] = _mm256_load_si256(reinterpret_cast<const Vector*>(&words.word[word][group * kLanes]));
  for (size_t offset = 0; offset < blocks * kMd5BlockBytes; offset += kMd5BlockBytes) {
#pragma GCC unroll 2
    for (size_t group = 0; group < kGroups; group++) {
      transposeHalf(data + group * kLanes, offset, &block[group][0]);
      transposeHalf(data + group * kLanes, offset + kMd5BlockBytes / 2, &block[group][8]);
    }
#pragma GCC unroll 4
    for (size_t word = 0; word < 4; word++)
#pragma GCC unroll 2
      for (size_t group = 0; group < kGroups; group++) previous[word][group] = state[word][group];
    steps<0, kGroups>(state[0], state[1], state[2], state[3], block);
#pragma GCC unroll 4
    for (size_t word = 0; word < 4; word++)
#pragma GCC unroll 2
      for (size_t group = 0; group < kGroups; group++)
        state[word][group] = _mm256_add_epi32(state[word][group], previous[word][group]);
  }
  for (size_t word = 0; word < 4; word++)
    for (size_t group = 0; group < kGroups; group++)
      _mm256_store_si256(reinterpret_cast<Vector*>(&words.word[word][group * kLanes]), state[word][group]);
}

}  // namespace

TARGET_AVX2 void md5Avx2Lanes8(Md5LaneWords& words, const std::byte* const* data, size_t blocks) {
  run<1>(words, data, blocks);
}

TARGET_AVX2 void md5Avx2Lanes16(Md5LaneWords& words, const std::byte* const* data, size_t blocks) {
  run<2>(words, data, blocks);
}

}  // namespace diskferry

#endif
