// What flows through an image run: 4 MiB of a device's content, held by everybody who still looks at it.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <span>

#include "io/buffer_pool.h"
#include "lz4/frame.h"
#include "status.h"

namespace diskferry::image {

using lz4::kBlockBytes;

struct Block {
  uint64_t sequence = 0;  // counts the blocks of a run without gaps
  uint64_t number = 0;    // of the image
  // Memory that all blocks of zeros share, or `buffer`'s. Empty when the block is damaged.
  std::span<const std::byte> content;
  bool isZeros = false;
  bool isSkipped = false;  // zeros because nobody asked for it
  Status damage;
  uint32_t field = 0;          // from an LZ4 image: its length field there,
  uint64_t imageEndBytes = 0;  // and where it ends
  BufferPool::Lease buffer;
  std::shared_ptr<const Block> whole;  // of a block that is a part of another: who holds the memory

  uint64_t offsetBytes() const { return number * kBlockBytes; }
};
using BlockPtr = std::shared_ptr<const Block>;

// Content need not end with a sector of the device it goes to; what is written behind it is zeros.
inline constexpr size_t kPaddingBytes = 4096;
inline size_t padded(size_t lengthBytes) { return (lengthBytes + kPaddingBytes - 1) / kPaddingBytes * kPaddingBytes; }
inline void padWithZeros(std::span<std::byte> buffer, size_t lengthBytes) {
  std::fill(buffer.begin() + static_cast<ptrdiff_t>(lengthBytes),
            buffer.begin() + static_cast<ptrdiff_t>(padded(lengthBytes)), std::byte{0});
}

// Blocks of one run, in order, from wherever the content is. Its work is done in the thread that calls run() and in
// threads of its own that end with it.
class ContentReader {
 public:
  // False: no more is wanted.
  using Emit = std::function<bool(BlockPtr)>;

  virtual ~ContentReader() = default;
  // To the end of the content, the first failure, or stop(), which is no failure.
  virtual Status run(const Emit& emit) = 0;
  // From any thread. Whoever holds blocks goes on and gives them back: the pool of buffers is not stopped.
  virtual void stop() = 0;
};

}  // namespace diskferry::image
