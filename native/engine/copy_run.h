// Copies the files of one drive: readers fill chunks in order, one thread hashes them in lanes and encrypts them in
// place, one writes them past the cache, and from time to time everything written is made durable and said so. All on
// threads of its own; memory is one fixed pool. Several runs work side by side, one for each drive.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bitlocker/volume.h"
#include "engine/block_hasher.h"
#include "engine/chunk_reader.h"
#include "engine/device_writer.h"
#include "engine/in_order.h"

namespace diskferry::engine {

struct CopyOptions {
  std::shared_ptr<bitlocker::Volume> volume;
  FileExtents files;  // views: the arrays live until finished() was called
  SourceColumns sources;
  FileDescriptor hashSpool;  // the digest of block k goes to byte 16 k
  uint64_t firstChunk = 0;   // of a mark, to resume
  size_t memoryBytes = 160 << 20;
  bool skipChanged = false;  // report a file that changed or cannot be read, and go on without it
  uint64_t durableEveryBytes = 512 << 20;
  std::chrono::milliseconds durableEvery{2000};
  IoEngine ioEngine = IoEngine::automatic;
};

struct CopySummary {
  uint64_t chunks = 0;  // where the next run would start
  uint64_t bytes = 0;   // written by this run
  uint64_t files = 0;   // complete, those before firstChunk too
  double seconds = 0;
  std::string ioEngine;
};

// Called on threads of the run, one after the other.
struct CopyEvents {
  // Data and digests of all chunks before `chunk` are on stable storage.
  std::function<void(uint64_t chunk, uint64_t bytesDone)> mark;
  // Only with skipChanged; always before a mark that covers the end of the file.
  std::function<void(size_t file, const Status& why)> dropped;
  // Once, last. INTERRUPTED after abort(), SOURCE_CHANGED, SOURCE_READ_FAILED, DEVICE_WRITE_FAILED, DEVICE_FULL,
  // DEVICE_FLUSH_FAILED, SPOOL_WRITE_FAILED, OUT_OF_MEMORY.
  std::function<void(const Status&, const CopySummary&)> finished;
};

struct CopyProgress {
  uint64_t bytesDone;
  uint64_t bytesTotal;
  uint64_t filesDone;
  uint64_t filesTotal;
  uint64_t chunk;
};

class CopyRun {
 public:
  CopyRun(CopyOptions options, CopyEvents events);
  // Aborts and waits.
  ~CopyRun();

  void start();
  // Ends the run soon: what is in flight is written, what is written is marked.
  void abort();
  void join();
  CopyProgress progress() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  Status prepare();
  void copy();
  void read(ChunkSource& source);
  void hashAndEncrypt();
  Status spool(const std::vector<BlockDigest>& digests) const;
  void markWhileCopying();
  void mark();
  void fail(const Status& status);
  void stopAll();

  CopyOptions options_;
  const CopyEvents events_;
  std::unique_ptr<BufferPool> pool_;
  std::unique_ptr<InOrder<LoadedChunk>> loaded_;
  std::unique_ptr<DeviceWriter> writer_;
  std::unique_ptr<ChunkSource> source_;
  size_t readerCount_ = 1;
  std::atomic<size_t> readersLeft_{0};
  std::atomic<uint64_t> bytesTotal_{0};
  std::atomic<DeviceWriter*> progressOf_{nullptr};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  Status failure_;
  bool isStopped_ = false;
  bool isWritten_ = false;
  std::mutex eventMutex_;
  uint64_t markedChunk_ = 0;
  uint64_t markedBytes_ = 0;

  std::thread thread_;
};

}  // namespace diskferry::engine
