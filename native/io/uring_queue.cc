#include "io/uring_queue.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace diskferry {

namespace {

constexpr uint64_t kWakeTag = ~0ull;
// A registered buffer has at most 1 GiB.
constexpr size_t kRegisteredBytesMax = size_t{1} << 30;

int makeRing(unsigned entries, struct io_uring* ring) {
  struct io_uring_params params {};
#ifdef IORING_SETUP_DEFER_TASKRUN
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (int made = io_uring_queue_init_params(entries, ring, &params); made != -EINVAL) return made;
#endif
  params = {};  // before Linux 6.1
  return io_uring_queue_init_params(entries, ring, &params);
}

// False for an error that would come again at once.
bool isWaitable(int result) { return result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY; }

}  // namespace

Result<std::unique_ptr<IoQueue>> UringQueue::make(std::shared_ptr<BlockDevice> device, const IoQueueOptions& options) {
  std::unique_ptr<UringQueue> queue(new UringQueue(std::move(device)));
  DISKFERRY_TRY(queue->setUp(options));
  return std::unique_ptr<IoQueue>(std::move(queue));
}

Status UringQueue::setUp(const IoQueueOptions& options) {
  if (!device_->direct() || device_->directAlignmentBytes() > device_->sectorBytes())
    return Status(ErrorCode::DEVICE_UNSUPPORTED, device_->path() + ": direct I/O by sectors is not available");
  target_ = FileDescriptor(::fcntl(device_->fileDescriptor(), F_DUPFD_CLOEXEC, 0));
  wakeEvent_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC));
  if (!target_.isOpen() || !wakeEvent_.isOpen())
    return Status::fromErrno(ErrorCode::DEVICE_UNSUPPORTED, device_->path() + ": no descriptor for io_uring", errno);
  if (int made = makeRing(static_cast<unsigned>(options.depth) + 1, &ring_); made != 0)
    return Status::fromErrno(ErrorCode::DEVICE_UNSUPPORTED, "io_uring is not available", -made);
  ringMade_ = true;
  if (!options.memory.empty() && options.memory.size() <= kRegisteredBytesMax) {
    struct iovec whole {
      options.memory.data(), options.memory.size()
    };
    // ENOMEM for a user whose limit on locked memory is smaller than the pool: plain requests then.
    fixed_ = io_uring_register_buffers(&ring_, &whole, 1) == 0;
    registered_ = options.memory;
  }
  slots_.resize(options.depth);
  for (size_t slot = options.depth; slot > 0; slot--) freeSlots_.push_back(slot - 1);
  armWake();
  return Status::ok();
}

UringQueue::~UringQueue() {
  if (!ringMade_) return;
  std::vector<IoCompletion> dropped;
  waiting_.clear();
  // The read of the wake event too: the kernel must not write to a member that is gone.
  wake();
  while (running_ > 0 || wakeArmed_) {
    if (drain(dropped) == 0 && !isWaitable(io_uring_submit_and_wait(&ring_, 1))) break;
  }
  io_uring_queue_exit(&ring_);
}

void UringQueue::armWake() {
  struct io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) return;  // the next wait() tries again
  io_uring_prep_read(entry, wakeEvent_.number(), &wakeCount_, sizeof wakeCount_, 0);
  entry->user_data = kWakeTag;
  wakeArmed_ = true;
}

void UringQueue::submit(const IoRequest& request) {
  if (request.offsetBytes > device_->sizeBytes() ||
      request.memory.size() > device_->sizeBytes() - request.offsetBytes ||
      request.offsetBytes % device_->sectorBytes() != 0 || request.memory.size() % device_->sectorBytes() != 0) {
    refused_.push_back(
        {request.tag, Status(ErrorCode::DEVICE_RANGE, device_->path() + ": " + std::to_string(request.memory.size()) +
                                                          " bytes at offset " + std::to_string(request.offsetBytes) +
                                                          " are not on the device")});
    return;
  }
  if (freeSlots_.empty()) {
    waiting_.push_back(request);
    return;
  }
  const size_t slot = freeSlots_.back();
  freeSlots_.pop_back();
  slots_[slot] = {request, 0};
  running_++;
  enqueue(slot);
  io_uring_submit(&ring_);
}

void UringQueue::enqueue(size_t slot) {
  const Slot& work = slots_[slot];
  // There is an entry for each slot and one for the wake event, so this cannot be null.
  struct io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  auto rest = work.request.memory.subspan(work.doneBytes);
  const uint64_t offset = work.request.offsetBytes + work.doneBytes;
  const auto length = static_cast<unsigned>(rest.size());
  const bool fixed = fixed_ && rest.data() >= registered_.data() &&
                     rest.data() + rest.size() <= registered_.data() + registered_.size();
  const bool isWrite = work.request.kind == IoRequest::Kind::write;
  if (fixed && isWrite)
    io_uring_prep_write_fixed(entry, target_.number(), rest.data(), length, offset, 0);
  else if (fixed)
    io_uring_prep_read_fixed(entry, target_.number(), rest.data(), length, offset, 0);
  else if (isWrite)
    io_uring_prep_write(entry, target_.number(), rest.data(), length, offset);
  else
    io_uring_prep_read(entry, target_.number(), rest.data(), length, offset);
  entry->user_data = slot;
}

void UringQueue::finish(size_t slot, int result, std::vector<IoCompletion>& completions) {
  Slot& work = slots_[slot];
  const IoRequest& request = work.request;
  const size_t left = request.memory.size() - work.doneBytes;
  if (result == -EINTR || result == -EAGAIN) return enqueue(slot);
  // A short transfer goes on at a sector boundary, as in BlockDevice.
  const size_t whole = result > 0 ? static_cast<size_t>(result) / device_->sectorBytes() * device_->sectorBytes() : 0;
  if (whole > 0 && whole < left) {
    work.doneBytes += whole;
    return enqueue(slot);
  }
  Status status;
  const uint64_t offset = request.offsetBytes + work.doneBytes;
  if (whole < left && request.kind == IoRequest::Kind::write)
    status = deviceWriteFailure(device_->path(), offset, left, result < 0 ? -result : ENOSPC);
  else if (whole < left)
    status = deviceReadFailure(device_->path(), offset, left, result < 0 ? -result : EIO);
  completions.push_back({request.tag, std::move(status)});
  if (waiting_.empty()) {
    freeSlots_.push_back(slot);
    running_--;
  } else {
    slots_[slot] = {waiting_.front(), 0};
    waiting_.pop_front();
    enqueue(slot);
  }
}

// Returns the number of entries seen, the wake event among them.
size_t UringQueue::drain(std::vector<IoCompletion>& completions) {
  size_t seen = 0;
  struct io_uring_cqe* entry = nullptr;
  while (io_uring_peek_cqe(&ring_, &entry) == 0) {
    const uint64_t tag = entry->user_data;
    const int result = entry->res;
    io_uring_cqe_seen(&ring_, entry);
    seen++;
    if (tag == kWakeTag)
      wakeArmed_ = false;
    else
      finish(static_cast<size_t>(tag), result, completions);
  }
  return seen;
}

void UringQueue::wait(std::vector<IoCompletion>& completions) {
  std::move(refused_.begin(), refused_.end(), std::back_inserter(completions));
  const bool hadRefused = !refused_.empty();
  refused_.clear();
  if (!wakeArmed_) armWake();
  io_uring_submit(&ring_);
  while (drain(completions) == 0 && !hadRefused) {
    if (!isWaitable(io_uring_submit_and_wait(&ring_, 1))) break;
  }
  io_uring_submit(&ring_);  // what finish() has put in
}

void UringQueue::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wakeEvent_.number(), &one, sizeof one);
}

}  // namespace diskferry
