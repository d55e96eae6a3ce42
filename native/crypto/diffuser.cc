#include "crypto/diffuser.h"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace diskferry {

namespace {

// Rounds and rotations as Ferguson published them ("AES-CBC + Elephant diffuser", 2006). Words are little-endian,
// indices wrap around the sector.
constexpr int kRoundsA = 5;
constexpr int kRoundsB = 3;
constexpr int kRotationA[4] = {9, 0, 13, 0};
constexpr int kRotationB[4] = {0, 10, 0, 25};
constexpr size_t kWordsMax = 4096 / 4;

struct Words {
  uint32_t word[kWordsMax];
  size_t count;
  size_t mask;  // count is a power of two

  uint32_t mixA(size_t index) const {
    return word[(index - 2) & mask] ^ std::rotl(word[(index - 5) & mask], kRotationA[index & 3]);
  }
  uint32_t mixB(size_t index) const {
    return word[(index + 2) & mask] ^ std::rotl(word[(index + 5) & mask], kRotationB[index & 3]);
  }
};

void load(Words& words, std::span<const std::byte> sector) {
  if (sector.size() != 512 && sector.size() != 4096) std::abort();
  words.count = sector.size() / 4;
  words.mask = words.count - 1;
  std::memcpy(words.word, sector.data(), sector.size());
}

}  // namespace

void diffuse(std::span<std::byte> sector) {
  Words words;
  load(words, sector);
  for (int round = 0; round < kRoundsA; round++)
    for (size_t index = words.count; index-- > 0;) words.word[index] -= words.mixA(index);
  for (int round = 0; round < kRoundsB; round++)
    for (size_t index = words.count; index-- > 0;) words.word[index] -= words.mixB(index);
  std::memcpy(sector.data(), words.word, sector.size());
}

void undiffuse(std::span<std::byte> sector) {
  Words words;
  load(words, sector);
  for (int round = 0; round < kRoundsB; round++)
    for (size_t index = 0; index < words.count; index++) words.word[index] += words.mixB(index);
  for (int round = 0; round < kRoundsA; round++)
    for (size_t index = 0; index < words.count; index++) words.word[index] += words.mixA(index);
  std::memcpy(sector.data(), words.word, sector.size());
}

}  // namespace diskferry
