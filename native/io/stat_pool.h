// Examines the entries of directories on several threads, each directory's in the order of its inodes: from a cold
// cache that is one pass over the inode table with several reads in flight, instead of one seek after the other.
#pragma once

#include <sys/stat.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace diskferry {

// The entries of one directory: names in one block of memory, because a directory may have a million.
struct Listing {
  struct Entry {
    size_t start;
    uint64_t inode;
    uint32_t length;
    unsigned char type;
  };
  struct Facts {
    uint64_t sizeBytes;
    int64_t modifiedNs;
    uint16_t mode;
    int16_t statError;    // errno, 0 when the rest is filled
    int16_t accessError;  // errno of reading it, for regular files
  };

  std::string names;  // each with its terminating zero
  std::vector<Entry> entries;
  std::vector<Facts> facts;  // of each entry, once it was examined
  size_t entriesLeft = 0;    // to be examined; guarded by the pool

  const char* nameOf(const Entry& entry) const { return names.data() + entry.start; }
};

// lstat, or stat when links are followed, and whether it may be read.
Listing::Facts examineEntry(int directory, const char* name, bool followSymlinks);

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
