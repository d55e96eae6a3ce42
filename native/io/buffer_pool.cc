#include "io/buffer_pool.h"

#include <sys/mman.h>

namespace diskferry {

namespace {

constexpr size_t kHugePageBytes = 2 << 20;

}  // namespace

BufferPool::BufferPool(size_t bufferCount, size_t bufferBytes) : bufferCount_(bufferCount), bufferBytes_(bufferBytes) {
  const size_t length = bufferCount * bufferBytes;
  // Over-allocated by one huge page so that the slab can start on one; the rest is never touched and costs nothing.
  void* mapped = ::mmap(nullptr, length + kHugePageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return;
  auto start = reinterpret_cast<uintptr_t>(mapped);
  uintptr_t aligned = (start + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  if (aligned != start) ::munmap(mapped, aligned - start);
  if (aligned != start + kHugePageBytes)
    ::munmap(reinterpret_cast<void*>(aligned + length), start + kHugePageBytes - aligned);
  slab_ = reinterpret_cast<std::byte*>(aligned);
  ::madvise(slab_, length, MADV_HUGEPAGE);
  // File data does not belong into a core dump, and a fork must not break writes in flight.
  ::madvise(slab_, length, MADV_DONTDUMP);
  ::madvise(slab_, length, MADV_DONTFORK);
  for (size_t index = bufferCount; index > 0; index--) free_.push_back(slab_ + (index - 1) * bufferBytes);
}

BufferPool::~BufferPool() {
  if (slab_ != nullptr) ::munmap(slab_, bufferCount_ * bufferBytes_);
}

std::optional<BufferPool::Lease> BufferPool::lease() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [&] { return stopped_ || !free_.empty(); });
  if (stopped_) return std::nullopt;
  std::byte* memory = free_.back();
  free_.pop_back();
  return Lease(this, {memory, bufferBytes_});
}

std::optional<BufferPool::Lease> BufferPool::tryLease() {
  std::lock_guard lock(mutex_);
  if (stopped_ || free_.empty()) return std::nullopt;
  std::byte* memory = free_.back();
  free_.pop_back();
  return Lease(this, {memory, bufferBytes_});
}

void BufferPool::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  freed_.notify_all();
}

void BufferPool::giveBack(std::span<std::byte> memory) {
  std::lock_guard lock(mutex_);
  free_.push_back(memory.data());
  freed_.notify_one();
}

}  // namespace diskferry
