// One target of a transfer: a thread with its own queue of writes, or of reads that are compared. What goes wrong here
// ends this target alone.
//
// The first block of a device says what the rest is. It is made zeros before anything else is written, kept, and
// written last, after everything else was flushed: a half-written target looks empty.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "image/block.h"
#include "io/io_queue.h"

namespace diskferry::image {

enum class TransferMode { write, compare, check };
enum class ZerosMode { write, discard, skip };

struct TargetOptions {
  std::shared_ptr<Sectors> device;
  bool isCompared = false;  // never written
  bool resume = false;      // compared first, written where it differs
  ZerosMode zeros = ZerosMode::write;
  IoEngine ioEngine = IoEngine::automatic;
  std::span<std::byte> contentMemory;  // where blocks lie
  // Both on the thread of the target.
  std::function<void(const Status&)> failed;
  std::function<void(uint64_t block)> differs;
};

class TargetWriter {
 public:
  explicit TargetWriter(TargetOptions options);
  ~TargetWriter();

  void start();
  // Blocks in order. Waits while this target has many to do; a failed one takes them and does nothing.
  void put(BlockPtr block);
  // No more blocks. With `commit` the first block follows, else the target stays as it is.
  void close(bool commit);
  void join();
  bool isFailed() const;

 private:
  struct InFlight {
    BlockPtr block;
    BufferPool::Lease compared;  // what was read from the target; not held for a write
  };

  void run();
  void work(IoQueue& queue);
  Status begin(IoQueue& queue, const BlockPtr& block);
  Status write(IoQueue& queue, BlockPtr block);
  Status prepareForWriting();
  Status zero(const Block& block);
  void submit(IoQueue& queue, IoRequest::Kind kind, std::span<std::byte> memory, InFlight work);
  Status finish(IoQueue& queue, const IoCompletion& completion);
  Status commit();
  void fail(const Status& status);
  void done();
  bool isComparedFirst() const { return options_.isCompared || options_.resume; }
  size_t lengthOnDevice(const Block& block) const;

  const TargetOptions options_;
  std::unique_ptr<BufferPool> compareBuffers_;
  std::map<uint64_t, InFlight> inFlight_;
  uint64_t nextTag_ = 0;
  BlockPtr first_;
  bool isPrepared_ = false;
  bool canZero_ = true;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable room_;
  std::deque<BlockPtr> inbox_;
  size_t unfinished_ = 0;
  IoQueue* queue_ = nullptr;
  bool isClosed_ = false;
  bool isCommitted_ = false;
  bool isFailed_ = false;

  std::thread thread_;
};

}  // namespace diskferry::image
