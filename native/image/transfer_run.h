// Sends the content of an image to its targets: one reading and one unpacking for all of them. With no target it checks
// every block. Afterwards, where asked for, each target is read back and compared with the blocks' MD5.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "image/block_digests.h"
#include "image/content_hashes.h"
#include "image/image_source.h"
#include "image/target_writer.h"

namespace diskferry::image {

struct TransferOptions {
  std::shared_ptr<ImageSource> source;
  std::vector<std::shared_ptr<Sectors>> targets;
  TransferMode mode = TransferMode::check;
  ZerosMode zeros = ZerosMode::write;
  bool readBack = false;
  bool resume = false;
  HashMask hashes = 0;
  bool checkBlocks = false;  // also the MD5 of each block, where there is an index
  std::vector<uint32_t> blocks;
  uint64_t limitBytesPerSecond = 0;
  size_t memoryBytes = 192 << 20;
  IoEngine ioEngine = IoEngine::automatic;
};

struct TransferSummary {
  uint64_t sizeBytes = 0;
  uint64_t blocks = 0;
  uint64_t zeroBlocks = 0;
  uint64_t damagedBlocks = 0;
  uint64_t mismatches = 0;
  uint64_t failedTargets = 0;
  std::array<std::vector<std::byte>, kHashKinds.size()> digests;
  double seconds = 0;
};

// Called on threads of the run, one after the other.
struct TransferEvents {
  std::function<void(size_t target, const Status& why)> targetFailed;
  // Unless targets are written: then the run ends with it.
  std::function<void(uint64_t block, const Status& why)> damaged;
  std::function<void(size_t target, uint64_t block)> mismatch;
  // Once, last. IMAGE_DAMAGED, SOURCE_READ_FAILED, OUT_OF_MEMORY, INTERRUPTED, or that of the last target.
  std::function<void(const Status&, TransferSummary)> finished;
};

struct TransferProgress {
  uint64_t bytesDone = 0;
  uint64_t bytesTotal = 0;
  uint64_t bytesReadBack = 0;
  uint64_t bytesToReadBack = 0;
};

class TransferRun {
 public:
  TransferRun(TransferOptions options, TransferEvents events);
  // Aborts and waits.
  ~TransferRun();

  void start();
  void abort();
  void join();
  TransferProgress progress() const { return {bytesDone_, bytesTotal_, bytesReadBack_, bytesToReadBack_}; }

 private:
  void run();
  Status prepare();
  void makeTargets();
  void transfer();
  bool decideToCommit();
  bool take(const BlockPtr& block);
  void compareDigest(const Block& block, const Md5Digest& digest);
  void tellDamage(const Block& block, const Status& why);
  void readBack();
  void readBackTarget(size_t target, size_t bufferCount);
  void targetFailed(size_t target, const Status& why);
  void fail(const Status& status);
  void stop(const Status& status);
  bool isStopped() const;

  TransferOptions options_;
  const TransferEvents events_;
  std::shared_ptr<BufferPool> content_;
  std::unique_ptr<ContentHashes> hashes_;
  std::unique_ptr<BlockDigests> blockDigests_;
  std::vector<std::unique_ptr<TargetWriter>> writers_;
  std::unique_ptr<ContentReader> source_;
  bool isContentWhole_ = true;  // no block was damaged
  std::atomic<uint64_t> bytesDone_{0}, bytesTotal_{0}, bytesReadBack_{0}, bytesToReadBack_{0};

  mutable std::mutex mutex_;  // guards what follows
  Status failure_;
  bool isStopped_ = false;
  bool isCommitting_ = false;            // and nothing follows that an abort could stop
  std::vector<ContentReader*> readers_;  // that fail() stops
  std::mutex eventMutex_;                // guards what follows, and the events
  std::vector<bool> hasFailed_;          // of the targets
  std::vector<Md5Digest> digests_;       // of the content, where there is no index and it is read back
  TransferSummary summary_;

  std::thread thread_;
};

}  // namespace diskferry::image
