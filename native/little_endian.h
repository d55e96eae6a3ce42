// Unaligned little-endian integers in byte buffers. The caller has checked the length.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace diskferry {

static_assert(std::endian::native == std::endian::little, "a big-endian host needs byte swaps here");

template <typename T>
inline T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
inline void store(std::byte* into, T value) {
  std::memcpy(into, &value, sizeof value);
}

inline uint16_t load16(const std::byte* from) { return load<uint16_t>(from); }
inline uint32_t load32(const std::byte* from) { return load<uint32_t>(from); }
inline uint64_t load64(const std::byte* from) { return load<uint64_t>(from); }
inline void store16(std::byte* into, uint16_t value) { store(into, value); }
inline void store32(std::byte* into, uint32_t value) { store(into, value); }
inline void store64(std::byte* into, uint64_t value) { store(into, value); }

}  // namespace diskferry
