// Reads the files of a drive back from the device, past the cache, and compares the MD5 of each block with what it
// should be: the stages of a copy, backwards. One thread keeps reads in flight, one decrypts and hashes in lanes.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "bitlocker/volume.h"
#include "engine/block_hasher.h"
#include "engine/device_writer.h"
#include "engine/in_order.h"

namespace diskferry::engine {

struct VerifyOptions {
  std::shared_ptr<bitlocker::Volume> volume;
  FileExtents files;                       // views: the arrays live until finished() was called
  std::span<const std::byte> expected;     // 16 bytes for each block of each file, in order
  std::span<const uint8_t> skippedBlocks;  // empty, or 1 for each block that is not to be looked at
  size_t memoryBytes = 160 << 20;
  IoEngine ioEngine = IoEngine::automatic;
};

struct VerifySummary {
  uint64_t blocks = 0;  // compared
  uint64_t bytes = 0;   // in them
  uint64_t mismatches = 0;
  uint64_t unreadable = 0;
  double seconds = 0;
};

// Called on threads of the run, one after the other. `block` counts from 0 in each file.
struct VerifyEvents {
  std::function<void(size_t file, uint64_t block)> mismatch;
  std::function<void(size_t file, uint64_t block, const Status& why)> unreadable;
  // Once, last. Damage is no failure of the run; INTERRUPTED and OUT_OF_MEMORY are.
  std::function<void(const Status&, const VerifySummary&)> finished;
};

struct VerifyProgress {
  uint64_t bytesDone;
  uint64_t bytesTotal;
};

class VerifyRun {
 public:
  VerifyRun(VerifyOptions options, VerifyEvents events);
  // Aborts and waits.
  ~VerifyRun();

  void start();
  void abort();
  void join();
  VerifyProgress progress() const { return {bytesDone_, bytesTotal_}; }

 private:
  // A chunk that was read; `isReadable` is false when a part of it was not.
  struct ReadChunk {
    LoadedChunk loaded;
    bool isReadable = true;
  };
  struct Reading {
    ReadChunk read;
    size_t rangesLeft;
  };

  void run();
  Status prepare();
  void readAll(IoQueue& queue);
  bool begin(IoQueue& queue, BufferPool::Lease buffer);
  void decryptAndCompare();
  void retryByPiece(LoadedChunk& loaded);
  Status readPiece(const LoadedChunk& loaded, const Piece& piece) const;
  void compare(const std::vector<BlockDigest>& digests);
  bool isSkipped(const Piece& piece) const;
  uint64_t blockInFile(size_t file, uint64_t block) const { return block - firstBlock_[file]; }
  void wakeReader();

  VerifyOptions options_;
  const VerifyEvents events_;
  std::vector<uint64_t> firstBlock_;  // of each file
  std::unique_ptr<ChunkCursor> cursor_;
  std::unique_ptr<BufferPool> pool_;
  std::unique_ptr<InOrder<ReadChunk>> read_;
  std::map<uint64_t, Reading> reading_;
  std::set<uint64_t> brokenBlocks_;  // told as unreadable and not ended yet: their digests mean nothing
  VerifySummary summary_;
  std::atomic<uint64_t> bytesDone_{0};
  std::atomic<uint64_t> bytesTotal_{0};
  std::atomic<bool> isStopped_{false};
  std::mutex queueMutex_;
  IoQueue* queue_ = nullptr;
  std::thread thread_;
};

}  // namespace diskferry::engine
