// Writes encrypted chunks to the device, several at once, and knows up to where everything is written. Its own thread
// owns the I/O queue.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "engine/chunk_cursor.h"
#include "io/buffer_pool.h"
#include "io/io_queue.h"

namespace diskferry::engine {

// A chunk and the buffer that holds it.
struct LoadedChunk {
  Chunk chunk;
  BufferPool::Lease buffer;
};

class DeviceWriter {
 public:
  struct Options {
    std::shared_ptr<Sectors> device;
    uint64_t volumeOffsetBytes = 0;
    IoQueueOptions queue;
    uint64_t firstChunk = 0;
    ChunkTotals before;                       // totals of the chunks before the first
    std::function<void(const Status&)> fail;  // called at the first failure
  };

  explicit DeviceWriter(Options options);

  // The body of the writing thread: returns when everything is written after close(), or when what was in flight at
  // stop() has settled.
  void run();

  // From any thread. The buffer is free again when the chunk is on the device (in its cache, until a flush).
  void write(LoadedChunk chunk);
  void close();
  void stop();

  // Totals up to the last chunk before which all are written.
  ChunkTotals written() const;
  // "uring-fixed", "uring", "threads"; empty until run() has begun.
  std::string engineName() const;

 private:
  struct Writing {
    LoadedChunk loaded;
    size_t rangesLeft;
  };

  void begin(IoQueue& queue, std::deque<LoadedChunk>& chunks);
  void finish(uint64_t number);

  const Options options_;
  std::map<uint64_t, Writing> writing_;  // by number; only run() touches it
  std::map<uint64_t, ChunkTotals> outOfOrder_;
  uint64_t next_;

  mutable std::mutex mutex_;  // guards what follows
  std::deque<LoadedChunk> inbox_;
  IoQueue* queue_ = nullptr;
  std::string engineName_;
  ChunkTotals written_;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace diskferry::engine
