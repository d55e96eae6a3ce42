#include "crypto/aes_schedule.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "little_endian.h"

#define TARGET_AES __attribute__((target("aes,avx")))

namespace diskferry {

namespace {

// FIPS 197, SubWord. With a round constant of 0 the instruction leaves the substituted first word in place.
TARGET_AES uint32_t substituteWord(uint32_t word) {
  return static_cast<uint32_t>(
      _mm_cvtsi128_si32(_mm_aeskeygenassist_si128(_mm_set_epi32(0, 0, static_cast<int>(word), 0), 0)));
}

// FIPS 197, KeyExpansion, over words of 4 bytes.
TARGET_AES void expand(std::byte* keys, size_t keyWords, size_t totalWords) {
  uint32_t roundConstant = 1;
  for (size_t index = keyWords; index < totalWords; index++) {
    uint32_t word = load32(keys + 4 * (index - 1));
    if (index % keyWords == 0) {
      word = substituteWord(std::rotr(word, 8)) ^ roundConstant;
      roundConstant = (roundConstant << 1) ^ (roundConstant >= 0x80 ? 0x11b : 0);
    } else if (keyWords > 6 && index % keyWords == 4) {
      word = substituteWord(word);
    }
    store32(keys + 4 * index, word ^ load32(keys + 4 * (index - keyWords)));
  }
}

TARGET_AES void invert(const std::byte* encryptKeys, std::byte* decryptKeys, int rounds) {
  auto* from = reinterpret_cast<const __m128i*>(encryptKeys);
  auto* into = reinterpret_cast<__m128i*>(decryptKeys);
  for (int round = 0; round <= rounds; round++) {
    __m128i key = _mm_load_si128(from + rounds - round);
    _mm_store_si128(into + round, round == 0 || round == rounds ? key : _mm_aesimc_si128(key));
  }
}

}  // namespace

bool hasAesInstructions() {
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("avx");
}

bool hasWideAesInstructions() {
  return hasAesInstructions() && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq") &&
         __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

AesSchedule::AesSchedule(std::span<const std::byte> key)
    : rounds_(key.size() == 16 ? 10 : 14), keys_(2 * kRoundKeysMax * kAesBlockBytes) {
  if (key.size() != 16 && key.size() != 32) std::abort();
  std::byte* keys = keys_.bytes().data();
  std::memcpy(keys, key.data(), key.size());
  expand(keys, key.size() / 4, 4 * static_cast<size_t>(rounds_ + 1));
  invert(keys, keys + kRoundKeysMax * kAesBlockBytes, rounds_);
}

}  // namespace diskferry

#else

namespace diskferry {

bool hasAesInstructions() { return false; }
bool hasWideAesInstructions() { return false; }

}  // namespace diskferry

#endif
