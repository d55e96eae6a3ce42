// A limit on bytes a second: who wants to move some waits for his turn.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace diskferry::image {

class Pace {
 public:
  // 0: no limit.
  explicit Pace(uint64_t bytesPerSecond) : bytesPerSecond_(bytesPerSecond) {}

  void wait(uint64_t bytes) {
    if (bytesPerSecond_ == 0) return;
    std::unique_lock lock(mutex_);
    const auto now = Clock::now();
    // What was not used is not saved up.
    turn_ = std::max(turn_, now);
    const auto mine = turn_;
    turn_ += std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(bytesPerSecond_)));
    ended_.wait_until(lock, mine, [&] { return stopped_; });
  }

  // Nobody waits any more.
  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    ended_.notify_all();
  }

 private:
  using Clock = std::chrono::steady_clock;

  const uint64_t bytesPerSecond_;
  std::mutex mutex_;
  std::condition_variable ended_;
  Clock::time_point turn_ = Clock::now();
  bool stopped_ = false;
};

}  // namespace diskferry::image
