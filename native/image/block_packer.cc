#include "image/block_packer.h"

#include <algorithm>

#include "little_endian.h"
#include "lz4/xxh32.h"

namespace diskferry::image {

BlockPacker::BlockPacker(Container container, lz4::Level level, BufferPool& buffers, ImageIndex& index)
    : container_(container), level_(level), buffers_(buffers), index_(index), packersLeft_(threadCount()) {
  for (size_t packer = packersLeft_; packer > 0; packer--) threads_.emplace_back([this] { work(); });
}

BlockPacker::~BlockPacker() {
  toPack_.stop();
  packed_.stop();
  for (std::thread& thread : threads_) thread.join();
}

size_t BlockPacker::threadCount() { return std::max(1u, std::thread::hardware_concurrency()); }

void BlockPacker::work() {
  lz4::BlockCompressor compressor(level_);
  while (true) {
    BufferPool::Lease buffer;
    std::optional<BlockPtr> block;
    {
      std::lock_guard lock(takeMutex_);
      if (container_ == Container::lz4) {
        auto leased = buffers_.lease();
        if (leased.has_value()) buffer = std::move(*leased);
      }
      block = toPack_.take();
    }
    if (!block.has_value()) break;
    const uint64_t sequence = (*block)->sequence;
    packed_.put(sequence, pack(compressor, std::move(*block), std::move(buffer)));
  }
  if (--packersLeft_ == 0) packed_.close();
}

PackedBlock BlockPacker::pack(lz4::BlockCompressor& compressor, BlockPtr block, BufferPool::Lease buffer) {
  IndexRecord& record = index_.records()[block->number];
  const std::span<const std::byte> content = block->content;
  record.field = static_cast<uint32_t>(content.size());
  if (block->isZeros) record.kind = block->isSkipped ? BlockKind::skipped : BlockKind::zeros;
  // lz4 1.9.4 reads four bytes too far behind a frame with block checksums and without one of the content, unless the
  // last block is stored as it is; it would take the trailer for garbage.
  const bool isLast = block->number + 1 == index_.blockCount();
  PackedBlock packed;
  if (container_ == Container::lz4 && block->isZeros && !isLast) {
    packed.zeros = lz4::packedZeros(record.field);
    record.field = load32(packed.zeros->data());
  } else if (container_ == Container::lz4) {
    const size_t length = isLast ? 0 : compressor.compress(content, buffer.memory());
    packed.stored = length == 0 ? content : std::span<const std::byte>(buffer.memory().first(length));
    if (length > 0) packed.buffer = std::move(buffer);
    packed.field = static_cast<uint32_t>(packed.stored.size()) | (length == 0 ? lz4::kStoredAsIs : 0);
    packed.checksum = lz4::xxh32(packed.stored);
    record.field = packed.field;
  }
  packed.block = std::move(block);
  return packed;
}

}  // namespace diskferry::image
