// What flows through an image run: 4 MiB of a device's content, held by everybody who still looks at it.
#pragma once

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
  BufferPool::Lease buffer;

  uint64_t offsetBytes() const { return number * kBlockBytes; }
};
using BlockPtr = std::shared_ptr<const Block>;

// Blocks of one run, in order, from wherever the content is. Its work is done in the thread that calls run() and in
// threads of its own that end with it.
class ContentReader {
 public:
  // False: no more is wanted.
  using Emit = std::function<bool(BlockPtr)>;

  virtual ~ContentReader() = default;
  // To the end of the content, the first failure, or stop(), which is no failure.
  virtual Status run(const Emit& emit) = 0;
  // From any thread.
  virtual void stop() = 0;
};

}  // namespace diskferry::image
