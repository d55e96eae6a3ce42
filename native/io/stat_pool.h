// Examines the entries of directories on several threads, each directory's in the order of its inodes: from a cold
// cache that is one pass over the inode table with several reads in flight, instead of one seek after the other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "io/listing.h"

namespace diskferry {

class StatPool {
 public:
  explicit StatPool(size_t threadCount);
  // What was begun is finished, what was not is forgotten.
  ~StatPool();

  // Fills `listing.facts`; both stay where they are until finish() has returned for it.
  void start(int directory, Listing& listing);
  void finish(Listing& listing);

 private:
  struct Slice {
    int directory;
    Listing* listing;
    std::vector<uint32_t> entries;
  };

  void work();
  void startThreads();

  const size_t threadCount_;
  std::mutex mutex_;
  std::condition_variable hasWork_;
  std::condition_variable isDone_;
  std::deque<Slice> slices_;
  std::vector<std::thread> threads_;
  bool isStopped_ = false;
};

}  // namespace diskferry
