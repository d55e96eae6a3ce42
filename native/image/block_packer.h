// Packs the blocks of a capture on all cores, and hands them on in their order, each with its index record filled in.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "image/channel.h"
#include "image/image_index.h"
#include "image/image_writer.h"
#include "lz4/block_codec.h"

namespace diskferry::image {

class BlockPacker {
 public:
  // Packed blocks lie in `buffers`; a raw image needs none. Both outlive the packer, and `buffers` every block of it.
  BlockPacker(Container container, lz4::Level level, BufferPool& buffers, ImageIndex& index);
  ~BlockPacker();

  static size_t threadCount();

  // Waits for room. False after close().
  bool put(const BlockPtr& block) { return toPack_.put(block); }
  // No more will come.
  void close() { toPack_.close(); }
  // The next one in order, its record complete but for the digest. Nothing when closed and all were taken.
  std::optional<PackedBlock> take() { return packed_.take(); }

 private:
  void work();
  PackedBlock pack(lz4::BlockCompressor& compressor, BlockPtr block, BufferPool::Lease buffer);

  const Container container_;
  const lz4::Level level_;
  BufferPool& buffers_;
  ImageIndex& index_;

  std::mutex takeMutex_;  // buffer and block are taken together, so that the first block always has a buffer
  Channel<BlockPtr> toPack_{128};
  Reorder<PackedBlock> packed_{128};
  std::atomic<size_t> packersLeft_{0};
  std::vector<std::thread> threads_;
};

}  // namespace diskferry::image
