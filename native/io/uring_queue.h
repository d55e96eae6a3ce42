// The IoQueue over io_uring: one ring, one thread that submits and reaps (SINGLE_ISSUER and DEFER_TASKRUN where the
// kernel has them), registered memory where the limit on locked memory allows it.
#pragma once

#include <liburing.h>

#include <deque>

#include "io/block_device.h"
#include "io/io_queue.h"

namespace diskferry {

class UringQueue final : public IoQueue {
 public:
  // DEVICE_UNSUPPORTED when the kernel has no io_uring, forbids it, or the device does not do direct I/O by sectors.
  static Result<std::unique_ptr<IoQueue>> make(std::shared_ptr<BlockDevice> device, const IoQueueOptions& options);
  ~UringQueue() override;

  void submit(const IoRequest& request) override;
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override;
  size_t inFlight() const override { return running_ + waiting_.size() + refused_.size(); }
  std::string_view engineName() const override { return fixed_ ? "uring-fixed" : "uring"; }

 private:
  // A request in the kernel, and how much of it is done.
  struct Slot {
    IoRequest request;
    size_t doneBytes = 0;
  };

  explicit UringQueue(std::shared_ptr<BlockDevice> device) : device_(std::move(device)) {}

  Status setUp(const IoQueueOptions& options);
  void enqueue(size_t slot);
  void armWake();
  void finish(size_t slot, int result, std::vector<IoCompletion>& completions);
  size_t drain(std::vector<IoCompletion>& completions);

  std::shared_ptr<BlockDevice> device_;
  FileDescriptor target_;     // a duplicate, so that closing the device under a run does not redirect writes
  FileDescriptor wakeEvent_;  // an eventfd that the ring reads
  uint64_t wakeCount_ = 0;    // where it reads to
  bool wakeArmed_ = false;
  struct io_uring ring_ {};
  bool ringMade_ = false;
  bool fixed_ = false;
  std::span<std::byte> registered_;
  std::vector<Slot> slots_;
  std::vector<size_t> freeSlots_;
  std::deque<IoRequest> waiting_;
  std::vector<IoCompletion> refused_;  // failed before they reached the kernel
  size_t running_ = 0;
};

}  // namespace diskferry
