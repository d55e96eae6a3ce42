#include "lz4/xxh32.h"

#include <bit>

#include "little_endian.h"

namespace diskferry::lz4 {

namespace {

constexpr uint32_t kPrime1 = 2654435761u, kPrime2 = 2246822519u, kPrime3 = 3266489917u, kPrime4 = 668265263u,
                   kPrime5 = 374761393u;

inline uint32_t round(uint32_t lane, uint32_t word) { return std::rotl(lane + word * kPrime2, 13) * kPrime1; }

}  // namespace

uint32_t xxh32(std::span<const std::byte> data, uint32_t seed) {
  const std::byte* at = data.data();
  const std::byte* const end = at + data.size();
  uint32_t hash = seed + kPrime5;
  if (data.size() >= 16) {
    uint32_t a = seed + kPrime1 + kPrime2, b = seed + kPrime2, c = seed, d = seed - kPrime1;
    for (; end - at >= 16; at += 16) {
      a = round(a, load32(at));
      b = round(b, load32(at + 4));
      c = round(c, load32(at + 8));
      d = round(d, load32(at + 12));
    }
    hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
  }
  hash += static_cast<uint32_t>(data.size());
  for (; end - at >= 4; at += 4) hash = std::rotl(hash + load32(at) * kPrime3, 17) * kPrime4;
  for (; at < end; at++) hash = std::rotl(hash + std::to_integer<uint32_t>(*at) * kPrime5, 11) * kPrime1;
  hash = (hash ^ (hash >> 15)) * kPrime2;
  hash = (hash ^ (hash >> 13)) * kPrime3;
  return hash ^ (hash >> 16);
}

}  // namespace diskferry::lz4
