// MD5 of each block, many side by side in SIMD lanes, on a thread of its own.
#pragma once

#include <functional>
#include <thread>

#include "hash/md5_lanes.h"
#include "image/block.h"
#include "image/channel.h"

namespace diskferry::image {

// Of `lengthBytes` zeros; that of a whole block is computed once.
Md5Digest digestOfZeros(uint32_t lengthBytes);

class BlockDigests {
 public:
  // `done` is called for each block: on the thread, or, for zeros, by put(). With few buffers around, small batches.
  BlockDigests(size_t bufferCount, std::function<void(const Block&, const Md5Digest&)> done);
  ~BlockDigests();

  void put(BlockPtr block);
  // When all blocks were put; returns when all are done.
  void finish();

 private:
  void work(size_t least, size_t most);

  const std::function<void(const Block&, const Md5Digest&)> done_;
  Channel<BlockPtr> blocks_{256};
  std::thread thread_;
};

}  // namespace diskferry::image
