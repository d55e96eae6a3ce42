// Walks an LZ4 image whose tail is missing: how many of its blocks are there whole, and where the last of them ends.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "image/block.h"

namespace diskferry::image {

struct WalkSummary {
  uint64_t sizeBytes = 0;  // of the content, as the header tells
  uint64_t blocks = 0;
  uint64_t imageBytes = 0;
  bool isComplete = false;
  std::string reason;  // why it ended before
};

class WalkRun {
 public:
  // `finished`: once, last. FILE_NOT_FOUND, DEVICE_ACCESS_DENIED, IMAGE_INVALID, SOURCE_READ_FAILED, INTERRUPTED.
  WalkRun(std::string path, std::function<void(const Status&, const WalkSummary&)> finished)
      : path_(std::move(path)), finished_(std::move(finished)) {}
  // Aborts and waits.
  ~WalkRun();

  void start();
  void abort();
  void join();
  uint64_t bytesDone() const { return bytesDone_; }
  uint64_t bytesTotal() const { return bytesTotal_; }

 private:
  Status walk();

  const std::string path_;
  const std::function<void(const Status&, const WalkSummary&)> finished_;
  WalkSummary summary_;
  std::atomic<uint64_t> bytesDone_{0}, bytesTotal_{0};
  std::mutex mutex_;  // guards what follows
  bool isStopped_ = false;
  ContentReader* reader_ = nullptr;
  std::thread thread_;
};

}  // namespace diskferry::image
