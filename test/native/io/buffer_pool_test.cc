#include "io/buffer_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "io/aligned_buffer.h"

namespace diskferry {

TEST_CASE("a buffer pool hands out every buffer once, page-aligned and inside its slab") {
  BufferPool pool(5, 1 << 20);
  REQUIRE(pool.isValid());
  std::vector<BufferPool::Lease> leases;
  std::set<std::byte*> seen;
  while (auto lease = pool.tryLease()) {
    CHECK(reinterpret_cast<uintptr_t>(lease->memory().data()) % kIoAlignmentBytes == 0);
    CHECK(lease->memory().size() == 1 << 20);
    CHECK(lease->memory().data() >= pool.slab().data());
    CHECK(lease->memory().data() + lease->memory().size() <= pool.slab().data() + pool.slab().size());
    lease->memory().front() = lease->memory().back() = std::byte{1};
    seen.insert(lease->memory().data());
    leases.push_back(std::move(*lease));
  }
  CHECK(seen.size() == 5);
  leases.pop_back();
  CHECK(pool.tryLease().has_value());
}

TEST_CASE("a lease waits until another ends") {
  BufferPool pool(1, 4096);
  auto first = pool.lease();
  std::atomic<bool> got{false};
  std::thread waiter([&] { got = pool.lease().has_value(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(got);
  first->release();
  waiter.join();
  CHECK(got);
}

TEST_CASE("stopping a pool ends every wait and refuses new leases") {
  BufferPool pool(1, 4096);
  auto held = pool.lease();
  std::thread waiter([&] { CHECK_FALSE(pool.lease().has_value()); });
  pool.stop();
  waiter.join();
  CHECK_FALSE(pool.tryLease().has_value());
  held->memory().front() = std::byte{1};
}

TEST_CASE("a moved lease gives its buffer back once") {
  BufferPool pool(2, 4096);
  {
    auto first = pool.lease();
    BufferPool::Lease moved = std::move(*first);
    BufferPool::Lease other = std::move(*pool.lease());
    other = std::move(moved);
    CHECK(pool.tryLease().has_value());
  }
  auto first = pool.tryLease();
  auto second = pool.tryLease();
  CHECK(first.has_value());
  CHECK(second.has_value());
  CHECK_FALSE(pool.tryLease().has_value());
}

}  // namespace diskferry
