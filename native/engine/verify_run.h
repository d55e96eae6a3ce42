// Reads the files of a drive back from the device, past the cache, and compares the MD5 of each block with what it
// should be: the stages of a copy, backwards. One thread keeps reads in flight, one decrypts and hashes in lanes.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "bitlocker/volume.h"
#include "engine/block_hasher.h"
#include "engine/device_writer.h"
#include "engine/file_hasher.h"
#include "engine/in_order.h"

namespace diskferry::engine {

// What is known of a block when one of its pieces is handed over; the last piece tells.
enum class BlockState : uint8_t { open, sound, damaged, unreadable };

// A part of a file that was read, decrypted and compared. Without data when the block is unreadable.
struct ComparedPiece {
  size_t file;
  uint64_t block;  // in the file
  uint64_t fileOffsetBytes;
  uint32_t dataBytes;
  uint32_t bufferOffsetBytes;
  BlockState state;
  std::optional<Md5Digest> fileDigest;  // with a file's last piece, where asked for
};

struct ComparedChunk {
  std::vector<ComparedPiece> pieces;
  BufferPool::Lease buffer;
};

struct VerifyOptions {
  std::shared_ptr<bitlocker::Volume> volume;
  FileExtents files;                       // views: the arrays live until finished() was called
  std::span<const std::byte> expected;     // 16 bytes for each block of each file, in order
  std::span<const uint8_t> skippedBlocks;  // empty, or 1 for each block that is not to be looked at
  // Of 4 MiB buffers; null: one of its own, of memoryBytes.
  std::shared_ptr<BufferPool> pool;
  size_t memoryBytes = 160 << 20;
  IoEngine ioEngine = IoEngine::automatic;
  bool hashesFiles = false;  // for ComparedPiece::fileDigest
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
  // Every chunk in order, where somebody wants the content. Who takes it keeps its buffer and calls bufferFreed() after
  // giving it back; with too few buffers left for the longest block, the run stands still.
  std::function<void(ComparedChunk)> chunk;
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
  void bufferFreed() { wakeReader(); }
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
  void handOver(ReadChunk read, const std::vector<BlockDigest>& digests, size_t& nextDigest);
  bool isSkipped(const Piece& piece) const;
  uint64_t blockInFile(size_t file, uint64_t block) const { return block - firstBlock_[file]; }
  void wakeReader();

  VerifyOptions options_;
  const VerifyEvents events_;
  std::vector<uint64_t> firstBlock_;  // of each file
  std::unique_ptr<ChunkCursor> cursor_;
  std::shared_ptr<BufferPool> pool_;
  std::unique_ptr<InOrder<ReadChunk>> read_;
  std::map<uint64_t, Reading> reading_;
  std::set<uint64_t> brokenBlocks_;           // told as unreadable and not ended yet: their digests mean nothing
  std::map<uint64_t, BlockState> badBlocks_;  // not handed over yet
  FileHasher fileHasher_;
  VerifySummary summary_;
  std::atomic<uint64_t> bytesDone_{0};
  std::atomic<uint64_t> bytesTotal_{0};
  std::atomic<bool> isStopped_{false};
  std::mutex queueMutex_;
  IoQueue* queue_ = nullptr;
  std::thread thread_;
};

}  // namespace diskferry::engine
