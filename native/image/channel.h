// Queues between the threads of a run. Channel: first in, first out. Reorder: put in any order, taken by number. Both
// hold a bounded number, which is what keeps a quick stage from running away from a slow one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace diskferry::image {

template <typename T>
class Channel {
 public:
  explicit Channel(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False after close() or stop(): nobody will take it.
  bool put(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }

  // Nothing when closed and empty.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  // Up to `most`; waits for `least`, but not longer than `patience` once there is one. False when closed and empty.
  bool takeRun(std::vector<T>& run, size_t least, size_t most, std::chrono::milliseconds patience) {
    run.clear();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    changed_.wait_for(lock, patience, [&] { return closed_ || items_.size() >= least; });
    for (; !items_.empty() && run.size() < most; items_.pop_front()) run.push_back(std::move(items_.front()));
    changed_.notify_all();
    return !run.empty();
  }

  // No more will come.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  // No more will come, and what is there is not wanted.
  void stop() {
    std::deque<T> dropped;
    std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(items_);
    changed_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

template <typename T>
class Reorder {
 public:
  // Who puts `window` or more ahead of what was taken last waits. The next one to be taken never has to.
  explicit Reorder(size_t window) : window_(window) {}

  bool put(uint64_t sequence, T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || sequence < next_ + window_; });
    if (closed_) return false;
    items_.emplace(sequence, std::move(item));
    changed_.notify_all();
    return true;
  }

  // Nothing when closed and the next one is not there.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || isReady(); });
    if (!isReady()) return std::nullopt;
    T item = std::move(items_.begin()->second);
    items_.erase(items_.begin());
    next_++;
    changed_.notify_all();
    return item;
  }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void stop() {
    std::map<uint64_t, T> dropped;
    std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(items_);
    changed_.notify_all();
  }

 private:
  bool isReady() const { return !items_.empty() && items_.begin()->first == next_; }

  const size_t window_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, T> items_;
  uint64_t next_ = 0;
  bool closed_ = false;
};

}  // namespace diskferry::image
