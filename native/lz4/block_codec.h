// One block of a frame, packed and unpacked by liblz4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "status.h"

namespace diskferry::lz4 {

enum class Level { fast, normal, high };

// Keeps the compressor's state; one for each thread.
class BlockCompressor {
 public:
  explicit BlockCompressor(Level level);
  // Packs `content` into `into` (as large at least). Returns the bytes used; 0: it does not get smaller, store it as it
  // is.
  size_t compress(std::span<const std::byte> content, std::span<std::byte> into);

 private:
  const Level level_;
  std::vector<std::byte> state_;
};

// Fills `content` whole from the bytes of a block whose length field was `field`; isPossible() has been asked.
// IMAGE_DAMAGED when the checksum differs or it does not unpack to that length.
Status unpackBlock(uint32_t field, std::span<const std::byte> stored, uint32_t checksum, std::span<std::byte> content);

// A block of `contentBytes` zeros as a frame has it: length field, bytes, checksum. Those of whole blocks are made
// once.
std::shared_ptr<const std::vector<std::byte>> packedZeros(uint32_t contentBytes);
// Whether these bytes of a block, without length field and checksum, are those of packedZeros().
bool isPackedZeros(uint32_t field, std::span<const std::byte> stored, uint32_t checksum, uint32_t contentBytes);

}  // namespace diskferry::lz4
