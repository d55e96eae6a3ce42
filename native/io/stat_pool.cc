#include "io/stat_pool.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "io/file_time.h"

namespace diskferry {

namespace {

constexpr size_t kSliceEntries = 128;

}  // namespace

Listing::Facts examineEntry(int directory, const char* name, bool followSymlinks) {
  Listing::Facts facts{};
  struct statx found;
  constexpr unsigned wanted = STATX_TYPE | STATX_MODE | STATX_SIZE | STATX_MTIME;
  if (::statx(directory, name, followSymlinks ? 0 : AT_SYMLINK_NOFOLLOW, wanted, &found) != 0) {
    facts.statError = static_cast<int16_t>(errno);
    return facts;
  }
  facts.mode = found.stx_mode;
  facts.sizeBytes = found.stx_size;
  facts.modifiedNs = nanosecondsSince1970(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec);
  // Whoever may read what all may read need not be asked about, which halves the work.
  constexpr unsigned everyone = S_IRUSR | S_IRGRP | S_IROTH;
  const bool isAsked = S_ISREG(found.stx_mode) && (found.stx_mode & everyone) != everyone;
  if (isAsked && ::faccessat(directory, name, R_OK, AT_EACCESS) != 0) facts.accessError = static_cast<int16_t>(errno);
  return facts;
}

StatPool::StatPool(size_t threadCount) : threadCount_(threadCount) {}

StatPool::~StatPool() {
  {
    std::lock_guard lock(mutex_);
    isStopped_ = true;
  }
  hasWork_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void StatPool::startThreads() {
  while (threads_.size() < threadCount_) threads_.emplace_back([this] { work(); });
}

void StatPool::start(int directory, Listing& listing) {
  listing.facts.resize(listing.entries.size());
  std::vector<uint32_t> order;
  for (uint32_t index = 0; index < listing.entries.size(); index++)
    if (listing.entries[index].type != DT_DIR) order.push_back(index);
  std::ranges::sort(order, {}, [&](uint32_t index) { return listing.entries[index].inode; });
  if (order.empty()) return;
  startThreads();
  std::lock_guard lock(mutex_);
  listing.entriesLeft = order.size();
  for (size_t from = 0; from < order.size(); from += kSliceEntries) {
    const size_t to = std::min(from + kSliceEntries, order.size());
    slices_.push_back({directory, &listing, {order.begin() + from, order.begin() + to}});
  }
  hasWork_.notify_all();
}

void StatPool::finish(Listing& listing) {
  std::unique_lock lock(mutex_);
  isDone_.wait(lock, [&] { return listing.entriesLeft == 0; });
}

void StatPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    hasWork_.wait(lock, [&] { return isStopped_ || !slices_.empty(); });
    if (isStopped_) return;
    const Slice slice = std::move(slices_.front());
    slices_.pop_front();
    lock.unlock();
    for (uint32_t index : slice.entries)
      slice.listing->facts[index] =
          examineEntry(slice.directory, slice.listing->nameOf(slice.listing->entries[index]), false);
    lock.lock();
    slice.listing->entriesLeft -= slice.entries.size();
    if (slice.listing->entriesLeft == 0) isDone_.notify_all();
  }
}

}  // namespace diskferry
