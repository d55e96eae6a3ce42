// AES-CBC of sectors with AES-NI. Decryption takes eight blocks of a sector at once. Encryption is a chain within a
// sector, so it takes eight sectors at once, a block of each. The IV of a sector is its encrypted byte offset.
#include "crypto/fast_ciphers.h"

#if defined(__x86_64__)
#include <algorithm>

#include "crypto/aes_ni_blocks.h"

namespace diskferry {

namespace {

template <int kRounds>
INLINE_AES_NI void makeIvs(const CbcRun& run, size_t firstSector, __m128i* ivs) {
#pragma GCC unroll 8
  for (size_t index = 0; index < kAesNiBlocks; index++)
    ivs[index] = numberBlock(run.offsetBytes + (firstSector + index) * run.sectorBytes);
  encryptBlocks<kRounds>(roundKeys(run.key.encryptKeys()), ivs);
}

template <int kRounds>
TARGET_AES_NI void encryptAll(const CbcRun& run) {
  const __m128i* keys = roundKeys(run.key.encryptKeys());
  size_t total = run.sectors.size() / run.sectorBytes;
  for (size_t first = 0; first < total; first += kAesNiBlocks) {
    size_t count = std::min(total - first, kAesNiBlocks);
    __m128i chains[kAesNiBlocks];
    makeIvs<kRounds>(run, first, chains);
    std::byte* sector[kAesNiBlocks];
    // Without eight sectors the last one is computed again in the idle places, and stored once.
    for (size_t index = 0; index < kAesNiBlocks; index++)
      sector[index] = run.sectors.data() + (first + std::min(index, count - 1)) * run.sectorBytes;
    for (size_t at = 0; at < run.sectorBytes; at += kAesBlockBytes) {
#pragma GCC unroll 8
      for (size_t index = 0; index < kAesNiBlocks; index++)
        chains[index] = _mm_xor_si128(chains[index], loadBlock(sector[index] + at));
      encryptBlocks<kRounds>(keys, chains);
      for (size_t index = 0; index < count; index++) storeBlock(sector[index] + at, chains[index]);
    }
  }
}

template <int kRounds>
INLINE_AES_NI void decryptSector(const __m128i* keys, __m128i iv, std::byte* sector, uint32_t sectorBytes) {
  __m128i previous = iv;
  for (uint32_t at = 0; at < sectorBytes; at += kAesNiBlocks * kAesBlockBytes) {
    __m128i ciphertext[kAesNiBlocks], blocks[kAesNiBlocks];
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++)
      blocks[index] = ciphertext[index] = loadBlock(sector + at + index * kAesBlockBytes);
    decryptBlocks<kRounds>(keys, blocks);
#pragma GCC unroll 8
    for (size_t index = 0; index < kAesNiBlocks; index++)
      storeBlock(sector + at + index * kAesBlockBytes,
                 _mm_xor_si128(blocks[index], index == 0 ? previous : ciphertext[index - 1]));
    previous = ciphertext[kAesNiBlocks - 1];
  }
}

template <int kRounds>
TARGET_AES_NI void decryptAll(const CbcRun& run) {
  const __m128i* keys = roundKeys(run.key.decryptKeys());
  size_t total = run.sectors.size() / run.sectorBytes;
  for (size_t first = 0; first < total; first += kAesNiBlocks) {
    __m128i ivs[kAesNiBlocks];
    makeIvs<kRounds>(run, first, ivs);
    size_t count = std::min(total - first, kAesNiBlocks);
    for (size_t index = 0; index < count; index++)
      decryptSector<kRounds>(keys, ivs[index], run.sectors.data() + (first + index) * run.sectorBytes, run.sectorBytes);
  }
}

}  // namespace

void cbcEncryptAesNi(const CbcRun& run) { run.key.rounds() == 10 ? encryptAll<10>(run) : encryptAll<14>(run); }

void cbcDecryptAesNi(const CbcRun& run) { run.key.rounds() == 10 ? decryptAll<10>(run) : decryptAll<14>(run); }

}  // namespace diskferry

#endif
