// The content of a device, or of a part of a file: several reads in flight, ranges that are left out, bad sectors read
// around where that was asked for.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <vector>

#include "image/block.h"
#include "image/pace.h"
#include "image/ranges.h"
#include "io/io_queue.h"

namespace diskferry::image {

struct DeviceReaderOptions {
  std::shared_ptr<Sectors> device;  // null: nothing of it can be read
  uint64_t startBytes = 0;          // where the content begins on it
  uint64_t sizeBytes = 0;           // of the content
  uint64_t firstBlock = 0;
  std::vector<uint32_t> blocks;     // only these, ascending; empty: all from firstBlock on
  std::vector<Range> skip;          // not read: zeros
  std::optional<unsigned> retries;  // none: the first unreadable sector ends the run
  uint64_t limitBytesPerSecond = 0;
  std::shared_ptr<BufferPool> pool;  // of 4 MiB
  IoEngine ioEngine = IoEngine::automatic;
  // What was read around, by offset. Called by the thread of run(), before the block is emitted.
  std::function<void(const Range&)> unreadable;
};

class DeviceReader final : public ContentReader {
 public:
  explicit DeviceReader(DeviceReaderOptions options);

  // DEVICE_READ_FAILED, DEVICE_RANGE.
  Status run(const Emit& emit) override;
  void stop() override;
  // "uring-fixed", "uring", "threads"; empty until run() has begun.
  std::string engineName() const;

 private:
  struct Reading {
    std::shared_ptr<Block> block;
    std::vector<Range> skipped;
    size_t partsLeft = 0;
    bool isFailed = false;
  };

  Status check() const;
  bool begin(IoQueue& queue);
  void submit(IoQueue& queue, const Range& whole);
  Status finish(uint64_t sequence);
  Status recover(Block& block, const std::vector<Range>& skipped);
  bool emitReady(const Emit& emit);
  Status runWithoutDevice(const Emit& emit);
  uint64_t sequenceCount() const;
  uint64_t numberOf(uint64_t sequence) const;

  DeviceReaderOptions options_;
  RangeCursor skip_;
  Pace pace_;
  std::atomic<bool> isStopped_{false};
  uint64_t nextToBegin_ = 0;
  uint64_t nextToEmit_ = 0;
  std::map<uint64_t, Reading> reading_;
  std::map<uint64_t, BlockPtr> ready_;
  std::map<uint64_t, std::vector<Range>> lost_;  // of blocks that are not emitted yet
  mutable std::mutex mutex_;
  std::string engineName_;
};

}  // namespace diskferry::image
