// The IoQueue that works everywhere: a few threads that call Sectors::read and write.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "io/io_queue.h"

namespace diskferry {

class ThreadQueue final : public IoQueue {
 public:
  ThreadQueue(std::shared_ptr<Sectors> device, size_t threadCount);
  ~ThreadQueue() override;

  void submit(const IoRequest& request) override;
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override;
  size_t inFlight() const override;
  std::string_view engineName() const override { return "threads"; }

 private:
  void work();

  std::shared_ptr<Sectors> device_;
  mutable std::mutex mutex_;
  std::condition_variable submitted_;
  std::condition_variable finished_;
  std::deque<IoRequest> waiting_;
  std::vector<IoCompletion> done_;
  size_t inFlight_ = 0;
  bool woken_ = false;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // last, so that they start when everything above exists
};

}  // namespace diskferry
