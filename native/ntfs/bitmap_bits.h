// Ranges of bits in a bitmap of which only a part is at hand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace diskferry::ntfs {

// Sets bits [from, to) of a bitmap whose bit `firstBit` (a multiple of 8) is the first of `part`; clips to the part.
inline void setBits(std::span<std::byte> part, uint64_t firstBit, uint64_t from, uint64_t to) {
  from = std::max(from, firstBit) - firstBit;
  to = std::min<uint64_t>(std::max(to, firstBit) - firstBit, part.size() * 8);
  for (; from < to && from % 8 != 0; from++) part[from / 8] |= static_cast<std::byte>(1 << (from % 8));
  if (from >= to) return;
  std::memset(part.data() + from / 8, 0xFF, (to - from) / 8);
  for (from += (to - from) / 8 * 8; from < to; from++) part[from / 8] |= static_cast<std::byte>(1 << (from % 8));
}

inline bool isBitSet(std::span<const std::byte> bits, uint64_t index) {
  return index / 8 < bits.size() && (static_cast<unsigned>(bits[index / 8]) >> (index % 8) & 1) != 0;
}

}  // namespace diskferry::ntfs
