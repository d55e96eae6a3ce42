#include "io/read_batch.h"

#include <unistd.h>

#include <cerrno>

namespace diskferry {

namespace {

// Stands for "no completion yet"; no read returns it.
constexpr int64_t kPending = INT64_MIN;

int64_t readNow(int descriptor, std::span<std::byte> into) {
  while (true) {
    const ssize_t moved = ::pread(descriptor, into.data(), into.size(), 0);
    if (moved >= 0) return moved;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace

ReadBatch::ReadBatch(bool useUring) {
  if (!useUring) return;
  hasRing_ = io_uring_queue_init(kReadsMax, &ring_, 0) == 0;
}

ReadBatch::~ReadBatch() {
  if (hasRing_) io_uring_queue_exit(&ring_);
}

void ReadBatch::add(int descriptor, std::span<std::byte> into) { reads_.push_back({descriptor, into}); }

const std::vector<int64_t>& ReadBatch::run() {
  results_.assign(reads_.size(), kPending);
  if (hasRing_ && reads_.size() > 1) hasRing_ = runTogether();
  for (size_t index = 0; index < reads_.size(); index++) {
    int64_t& result = results_[index];
    if (result == kPending || result == -EINTR || result == -EAGAIN)
      result = readNow(reads_[index].descriptor, reads_[index].into);
  }
  reads_.clear();
  return results_;
}

// False when the ring cannot be used any more. Every read that was submitted has completed when it returns.
bool ReadBatch::runTogether() {
  size_t queued = 0;
  for (; queued < reads_.size(); queued++) {
    struct io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) break;
    const Read& read = reads_[queued];
    io_uring_prep_read(entry, read.descriptor, read.into.data(), static_cast<unsigned>(read.into.size()), 0);
    entry->user_data = queued;
  }
  size_t submitted = 0;
  while (submitted < queued) {
    const int taken = io_uring_submit(&ring_);
    if (taken > 0) submitted += static_cast<size_t>(taken);
    if (taken <= 0 && taken != -EINTR && taken != -EAGAIN) break;
  }
  for (size_t seen = 0; seen < submitted;) {
    struct io_uring_cqe* entry = nullptr;
    if (io_uring_wait_cqe(&ring_, &entry) != 0) continue;
    results_[entry->user_data] = entry->res;
    io_uring_cqe_seen(&ring_, entry);
    seen++;
  }
  if (submitted == queued) return true;
  io_uring_queue_exit(&ring_);
  return false;
}

}  // namespace diskferry
