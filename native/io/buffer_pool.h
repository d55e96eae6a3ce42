// A fixed number of I/O buffers over one slab of memory: the bound on what a pipeline holds, and its back-pressure. No
// free buffer, no read.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace diskferry {

class BufferPool {
 public:
  // One buffer, given back when the lease ends. The pool outlives its leases.
  class Lease {
   public:
    Lease() = default;
    Lease(BufferPool* pool, std::span<std::byte> memory) : pool_(pool), memory_(memory) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), memory_(other.memory_) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        release();
        pool_ = std::exchange(other.pool_, nullptr);
        memory_ = other.memory_;
      }
      return *this;
    }
    ~Lease() { release(); }

    std::span<std::byte> memory() const { return memory_; }
    bool isHeld() const { return pool_ != nullptr; }
    void release() {
      if (pool_ != nullptr) std::exchange(pool_, nullptr)->giveBack(memory_);
    }

   private:
    BufferPool* pool_ = nullptr;
    std::span<std::byte> memory_;
  };

  // Page-aligned, in huge pages where the system has them (O_DIRECT then pins 2 pages a buffer instead of 1024).
  // isValid() is false when the memory cannot be had.
  BufferPool(size_t bufferCount, size_t bufferBytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  bool isValid() const { return slab_ != nullptr; }
  size_t bufferCount() const { return bufferCount_; }
  std::span<std::byte> slab() const { return {slab_, bufferCount_ * bufferBytes_}; }

  // Waits for a free buffer; nothing after stop().
  std::optional<Lease> lease();
  std::optional<Lease> tryLease();
  // Ends every wait, now and later. Leases that are out stay valid.
  void stop();

 private:
  void giveBack(std::span<std::byte> memory);

  const size_t bufferCount_;
  const size_t bufferBytes_;
  std::byte* slab_ = nullptr;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::byte*> free_;  // the last one is warmest in the caches
  bool stopped_ = false;
};

}  // namespace diskferry
