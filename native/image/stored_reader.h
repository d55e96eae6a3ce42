// The content of an LZ4 image: a few threads read stored blocks, all cores unpack them. By the index, or, where there
// is none, by walking from block to block.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "image/block.h"
#include "image/channel.h"
#include "image/image_file.h"
#include "image/image_index.h"
#include "image/pace.h"

namespace diskferry::image {

struct StoredReaderOptions {
  std::shared_ptr<ImageFile> file;
  uint64_t contentBytes = 0;
  std::shared_ptr<const ImageIndex> index;  // null: walk
  std::vector<uint32_t> blocks;             // with an index: only these, ascending; empty: all
  uint64_t blocksToWalk = UINT64_MAX;       // without: not more than these
  std::shared_ptr<BufferPool> pool;         // of 4 MiB, for content
  uint64_t limitBytesPerSecond = 0;         // of content
};

// A damaged block is emitted as such and ends nothing. A walk ends at the first block that cannot be there.
class StoredReader final : public ContentReader {
 public:
  explicit StoredReader(StoredReaderOptions options);

  Status run(const Emit& emit) override;
  void stop() override;

  // Of a walk that was run: why it ended before the end mark behind the last block; OK when it did not.
  const Status& walkEnd() const { return walkEnd_; }

 private:
  struct Stored {
    uint64_t sequence;
    uint64_t number;
    uint32_t field;          // as the index or the walk has it
    uint64_t offsetBytes;    // of its length field in the image
    size_t bufferBytes = 0;  // of the same in the buffer
    bool isThere = false;
  };
  // Blocks that were read together.
  struct Run {
    std::vector<Stored> blocks;
    BufferPool::Lease buffer;
    Status failure;
  };

  std::optional<std::pair<uint64_t, Run>> takeRun();
  void readRuns();
  void walk();
  bool walkBuffer(uint64_t& place, uint64_t& number, Run& run);
  void unpackAll();
  bool takeBlock(Stored& stored, std::shared_ptr<Run>& run, std::shared_ptr<Block>& block);
  Status unpack(const Stored& stored, const Run& run, Block& block) const;

  const StoredReaderOptions options_;
  std::vector<uint64_t> places_;
  Pace pace_;
  BufferPool storedBuffers_;
  std::atomic<bool> isStopped_{false};
  Status walkEnd_;

  std::mutex planMutex_;  // guards what follows
  uint64_t nextSequence_ = 0;
  uint64_t nextRun_ = 0;

  Reorder<Run> runs_{8};
  std::atomic<size_t> readersLeft_{0};
  std::mutex takeMutex_;  // guards what follows: a block and its buffer are taken together, in order
  std::shared_ptr<Run> current_;
  size_t nextOfCurrent_ = 0;
  Reorder<std::shared_ptr<Block>> unpacked_{128};
  std::atomic<size_t> unpackersLeft_{0};
};

}  // namespace diskferry::image
