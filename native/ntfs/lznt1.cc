#include "ntfs/lznt1.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "little_endian.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kChunkBytes = 4096;
constexpr unsigned kSignature = 3;
constexpr size_t kShortestMatch = 3;

// How many of a reference's 16 bits are its length: fewer the further a reference may reach back.
unsigned lengthBits(size_t position) {
  unsigned bits = 12;
  for (size_t reach = position - 1; reach >= 16; reach >>= 1) bits--;
  return bits;
}

// The number of bytes made, or nothing at all: more than `into` holds.
constexpr size_t kInvalid = ~size_t{0};

size_t decompressChunk(std::span<const std::byte> from, std::span<std::byte> into) {
  size_t made = 0;
  for (size_t at = 0; at < from.size();) {
    auto flags = static_cast<unsigned>(from[at++]);
    for (unsigned token = 0; token < 8 && at < from.size(); token++, flags >>= 1) {
      if ((flags & 1) == 0) {
        if (made == into.size()) return kInvalid;
        into[made++] = from[at++];
        continue;
      }
      if (from.size() - at < 2 || made == 0) return kInvalid;
      unsigned reference = load16(from.data() + at);
      at += 2;
      unsigned bits = lengthBits(made);
      size_t distance = (reference >> bits) + 1;
      size_t length = (reference & ((1u << bits) - 1)) + kShortestMatch;
      if (distance > made || length > into.size() - made) return kInvalid;
      // Byte by byte: a match may overlap what it makes.
      for (; length > 0; length--, made++) into[made] = into[made - distance];
    }
  }
  return made;
}

}  // namespace

bool decompressLznt1(std::span<const std::byte> from, std::span<std::byte> into) {
  while (!into.empty() && from.size() >= 2) {
    unsigned header = load16(from.data());
    if (header == 0) break;
    size_t length = (header & 0xFFF) + 1;
    if ((header >> 12 & 7) != kSignature || length > from.size() - 2) return false;
    std::span<const std::byte> body = from.subspan(2, length);
    std::byte chunk[kChunkBytes];
    size_t made = length;
    if ((header & 0x8000) != 0)
      made = decompressChunk(body, chunk);
    else
      std::memcpy(chunk, body.data(), length);
    if (made == kInvalid) return false;
    size_t taken = std::min(kChunkBytes, into.size());
    std::memset(chunk + made, 0, kChunkBytes - made);
    std::memcpy(into.data(), chunk, taken);
    into = into.subspan(taken);
    from = from.subspan(2 + length);
  }
  if (!into.empty()) std::memset(into.data(), 0, into.size());
  return true;
}

}  // namespace diskferry::ntfs
