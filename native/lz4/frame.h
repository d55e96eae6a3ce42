// The LZ4 frame that an image is: independent blocks of 4 MiB, a checksum after each, the content's size in the header.
// Header, then for each block 4 bytes of length (high bit: stored as it is), its bytes, XXH32 of them; 4 zero bytes end
// it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "status.h"

namespace diskferry::lz4 {

inline constexpr uint32_t kBlockBytes = 4 << 20;
inline constexpr uint32_t kFrameMagic = 0x184D2204;
inline constexpr uint32_t kLegacyMagic = 0x184C2102;
inline constexpr size_t kHeaderBytes = 15;
inline constexpr size_t kBlockHeadBytes = 4;
inline constexpr size_t kBlockTailBytes = 4;
inline constexpr size_t kBlockFrameBytes = kBlockHeadBytes + kBlockTailBytes;
inline constexpr size_t kEndMarkBytes = 4;
inline constexpr uint32_t kStoredAsIs = 1u << 31;

using FrameHeader = std::array<std::byte, kHeaderBytes>;

FrameHeader makeFrameHeader(uint64_t contentBytes);
// The content size of a header that makeFrameHeader() would make; IMAGE_INVALID for any other bytes.
Result<uint64_t> parseFrameHeader(std::span<const std::byte> bytes);

// Of a block's length field.
inline uint32_t storedBytes(uint32_t field) { return field & ~kStoredAsIs; }

// Blocks of a content, and how much of it is in block `number`.
inline uint64_t blockCount(uint64_t contentBytes) {
  return contentBytes / kBlockBytes + (contentBytes % kBlockBytes == 0 ? 0 : 1);
}
inline uint32_t blockLength(uint64_t contentBytes, uint64_t number) {
  const uint64_t left = contentBytes - number * kBlockBytes;
  return left < kBlockBytes ? static_cast<uint32_t>(left) : kBlockBytes;
}
// Whether a length field can be that of a block with `contentBytes` in it.
inline bool isPossible(uint32_t field, uint32_t contentBytes) {
  const uint32_t stored = storedBytes(field);
  return (field & kStoredAsIs) != 0 ? stored == contentBytes : stored > 0 && stored < contentBytes;
}

}  // namespace diskferry::lz4
