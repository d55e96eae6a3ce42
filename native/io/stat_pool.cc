#include "io/stat_pool.h"

#include <dirent.h>

#include <algorithm>

namespace diskferry {

namespace {

constexpr size_t kSliceEntries = 128;

}  // namespace

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
