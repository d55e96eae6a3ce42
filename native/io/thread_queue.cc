#include "io/thread_queue.h"

#include <iterator>

namespace diskferry {

ThreadQueue::ThreadQueue(std::shared_ptr<Sectors> device, size_t threadCount) : device_(std::move(device)) {
  for (size_t index = 0; index < threadCount; index++) threads_.emplace_back([this] { work(); });
}

ThreadQueue::~ThreadQueue() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    submitted_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void ThreadQueue::submit(const IoRequest& request) {
  std::lock_guard lock(mutex_);
  waiting_.push_back(request);
  inFlight_++;
  submitted_.notify_one();
}

void ThreadQueue::wait(std::vector<IoCompletion>& completions) {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return woken_ || !done_.empty(); });
  woken_ = false;
  inFlight_ -= done_.size();
  std::move(done_.begin(), done_.end(), std::back_inserter(completions));
  done_.clear();
}

void ThreadQueue::wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  finished_.notify_one();
}

size_t ThreadQueue::inFlight() const {
  std::lock_guard lock(mutex_);
  return inFlight_;
}

void ThreadQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    submitted_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    IoRequest request = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    Status status = request.kind == IoRequest::Kind::read ? device_->read(request.offsetBytes, request.memory)
                                                          : device_->write(request.offsetBytes, request.memory);
    lock.lock();
    done_.push_back({request.tag, std::move(status)});
    finished_.notify_one();
  }
}

}  // namespace diskferry
