// Captures a device to an image: one thread keeps reads in flight, each digest of the whole content has a thread, one
// computes the blocks' MD5 in lanes, all cores pack, one puts the packed blocks in order, and from time to time what
// was written is made durable and said so. Memory is two fixed pools.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "image/block_digests.h"
#include "image/block_packer.h"
#include "image/content_hashes.h"
#include "image/device_reader.h"
#include "image/image_index.h"
#include "image/image_writer.h"

namespace diskferry::image {

struct CaptureOptions {
  std::shared_ptr<Sectors> source;  // null: nothing of it can be read
  uint64_t sizeBytes = 0;
  std::vector<Range> skip;
  std::string path;
  Container container = Container::lz4;
  lz4::Level level = lz4::Level::normal;
  HashMask hashes = 0;
  std::optional<unsigned> retries;  // none: no rescue
  uint64_t limitBytesPerSecond = 0;
  ImagePosition resume;                 // of a mark
  std::vector<Range> resumeUnreadable;  // that was told before it
  size_t memoryBytes = 192 << 20;
  uint64_t durableEveryBytes = 512 << 20;
  std::chrono::milliseconds durableEvery{2000};
  IoEngine ioEngine = IoEngine::automatic;
};

struct CaptureSummary {
  std::vector<std::byte> index;
  uint64_t imageBytes = 0;
  std::array<std::vector<std::byte>, kHashKinds.size()> digests;
  uint64_t zeroBlocks = 0;
  uint64_t skippedBlocks = 0;
  uint64_t unreadableBytes = 0;  // in this run
  double seconds = 0;
  std::string ioEngine;
};

// Called on threads of the run, one after the other.
struct CaptureEvents {
  // These blocks are on stable storage, in that many bytes of the image.
  std::function<void(const ImagePosition&)> mark;
  // Only with retries; always before a mark that covers the range.
  std::function<void(const Range&)> unreadable;
  // Once, last. INTERRUPTED after abort(), DEVICE_READ_FAILED, DEVICE_WRITE_FAILED, DEVICE_FULL, DEVICE_FLUSH_FAILED,
  // DEVICE_IN_USE, DEVICE_RANGE, IMAGE_DAMAGED, OUT_OF_MEMORY.
  std::function<void(const Status&, CaptureSummary)> finished;
};

struct CaptureProgress {
  uint64_t bytesDone = 0;
  uint64_t bytesTotal = 0;
  uint64_t imageBytes = 0;
  uint64_t bytesReplayed = 0;
};

class CaptureRun {
 public:
  CaptureRun(CaptureOptions options, CaptureEvents events);
  // Aborts and waits.
  ~CaptureRun();

  void start();
  // Ends the run soon: what was read is written, what is written is marked.
  void abort();
  void join();
  CaptureProgress progress() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  Status prepare();
  Status replay();
  void capture();
  void read(BlockPacker& packer);
  void digest(const BlockPtr& block);
  void write(BlockPacker& packer);
  void markWhileCapturing();
  void mark();
  void fail(const Status& status);
  Status readWith(ContentReader& reader, const ContentReader::Emit& emit);
  void summarize(CaptureSummary& summary);

  CaptureOptions options_;
  const CaptureEvents events_;
  std::shared_ptr<BufferPool> content_;
  std::unique_ptr<BufferPool> packedBuffers_;
  std::unique_ptr<ContentHashes> hashes_;
  std::unique_ptr<BlockDigests> blockDigests_;
  std::unique_ptr<ImageWriter> writer_;
  ImageIndex index_;
  std::string ioEngine_;
  std::atomic<uint64_t> unreadableBytes_{0};

  std::atomic<uint64_t> bytesDone_{0};
  std::atomic<uint64_t> bytesReplayed_{0};
  std::atomic<ImageWriter*> progressOf_{nullptr};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  Status failure_;
  bool isStopped_ = false;
  bool isWritten_ = false;
  ContentReader* reader_ = nullptr;
  std::mutex eventMutex_;
  ImagePosition marked_;

  std::thread thread_;
};

}  // namespace diskferry::image
