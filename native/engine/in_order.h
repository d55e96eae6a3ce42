// Puts the results of several threads back into order: items come with their numbers, in any order, and are taken in
// runs without gaps.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace diskferry::engine {

template <typename T>
class InOrder {
 public:
  explicit InOrder(uint64_t firstNumber) : next_(firstNumber) {}

  void put(uint64_t number, T item) {
    std::lock_guard lock(mutex_);
    items_.emplace(number, std::move(item));
    while (items_.count(readyEnd()) != 0) ready_++;
    changed_.notify_one();
  }

  // No more items will come.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

  // Moves the next items, at most `most`, to `run`. Waits for `least` of them, because hashing wants many at once, but
  // not longer than `patience` once there is one. False when closed and nothing is left.
  bool takeRun(std::vector<T>& run, size_t least, size_t most, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    run.clear();
    changed_.wait(lock, [&] { return closed_ || ready_ > 0; });
    changed_.wait_for(lock, patience, [&] { return closed_ || ready_ >= least; });
    while (ready_ > 0 && run.size() < most) {
      run.push_back(std::move(items_.begin()->second));
      items_.erase(items_.begin());
      next_++;
      ready_--;
    }
    return !run.empty();
  }

 private:
  uint64_t readyEnd() const { return next_ + ready_; }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, T> items_;
  uint64_t next_;
  uint64_t ready_ = 0;  // items without a gap from next_ on
  bool closed_ = false;
};

}  // namespace diskferry::engine
