// One suite for both engines: whatever holds for io_uring holds for the threads.
#include "io/io_queue.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "io/block_device.h"
#include "io/buffer_pool.h"
#include "io/faulty_sectors.h"
#include "io/memory_sectors.h"

namespace diskferry {

namespace {

constexpr size_t kBufferBytes = 64 << 10;

// An image file that is gone at the end of the test.
class TemporaryImage {
 public:
  explicit TemporaryImage(uint64_t sizeBytes) {
    char name[] = "/tmp/diskferry-io-XXXXXX";
    FileDescriptor file(::mkstemp(name));
    path_ = name;
    REQUIRE(::ftruncate(file.number(), static_cast<off_t>(sizeBytes)) == 0);
  }
  ~TemporaryImage() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::shared_ptr<BlockDevice> openImage(const TemporaryImage& image, uint32_t sectorBytes = 512) {
  DeviceOptions options;
  options.write = true;
  options.fileSectorBytes = sectorBytes;
  auto opened = BlockDevice::open(image.path(), options);
  REQUIRE_MESSAGE(opened.isOk(), opened.status().message());
  return opened.take();
}

// Null, with a message, where the engine cannot be had.
std::unique_ptr<IoQueue> makeQueue(std::shared_ptr<Sectors> device, IoEngine engine, size_t depth,
                                   std::span<std::byte> memory) {
  auto made = makeIoQueue(std::move(device), {engine, depth, memory});
  if (!made.isOk()) MESSAGE("skipped: ", made.status().message());
  return made.isOk() ? made.take() : nullptr;
}

std::vector<IoCompletion> waitForAll(IoQueue& queue) {
  std::vector<IoCompletion> completions;
  while (queue.inFlight() > 0) queue.wait(completions);
  return completions;
}

void writeAndReadBack(IoEngine engine, bool registerMemory) {
  TemporaryImage image(16 << 20);
  auto device = openImage(image);
  BufferPool pool(40, kBufferBytes);
  auto queue = makeQueue(device, engine, 4, registerMemory ? pool.slab() : std::span<std::byte>{});
  if (queue == nullptr) return;
  std::mt19937_64 random(7);
  std::vector<BufferPool::Lease> leases;
  std::vector<std::vector<std::byte>> wanted;
  // Ten times the depth at once: the rest waits inside the queue.
  for (uint64_t tag = 0; tag < 40; tag++) {
    leases.push_back(*pool.lease());
    for (std::byte& byte : leases.back().memory()) byte = static_cast<std::byte>(random());
    wanted.emplace_back(leases.back().memory().begin(), leases.back().memory().end());
    queue->submit({IoRequest::Kind::write, 512 + tag * kBufferBytes, leases.back().memory(), tag});
  }
  std::vector<bool> seen(40);
  for (const IoCompletion& completion : waitForAll(*queue)) {
    CHECK_MESSAGE(completion.status.isOk(), completion.status.message());
    CHECK_FALSE(seen[completion.tag]);
    seen[completion.tag] = true;
  }
  CHECK(std::count(seen.begin(), seen.end(), true) == 40);
  for (auto& lease : leases) std::fill(lease.memory().begin(), lease.memory().end(), std::byte{0});
  for (uint64_t tag = 0; tag < 40; tag++)
    queue->submit({IoRequest::Kind::read, 512 + tag * kBufferBytes, leases[tag].memory(), tag});
  CHECK(waitForAll(*queue).size() == 40);
  for (size_t index = 0; index < 40; index++)
    CHECK(std::equal(wanted[index].begin(), wanted[index].end(), leases[index].memory().begin()));
}

}  // namespace

TEST_CASE("an I/O queue writes and reads back what it was given") {
  SUBCASE("threads") { writeAndReadBack(IoEngine::threads, true); }
  SUBCASE("io_uring with registered memory") { writeAndReadBack(IoEngine::uring, true); }
  SUBCASE("io_uring with plain memory") { writeAndReadBack(IoEngine::uring, false); }
}

TEST_CASE("a wake ends a wait that has nothing to wait for, also when it comes first") {
  for (IoEngine engine : {IoEngine::threads, IoEngine::uring}) {
    TemporaryImage image(1 << 20);
    auto queue = makeQueue(openImage(image), engine, 2, {});
    if (queue == nullptr) continue;
    std::vector<IoCompletion> completions;
    for (int round = 0; round < 3; round++) {
      queue->wake();
      queue->wait(completions);
      std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        queue->wake();
      });
      queue->wait(completions);
      other.join();
    }
    CHECK(completions.empty());
  }
}

TEST_CASE("requests outside of the device, or of parts of sectors, fail and move nothing") {
  for (IoEngine engine : {IoEngine::threads, IoEngine::uring}) {
    TemporaryImage image(1 << 20);
    BufferPool pool(1, kBufferBytes);
    auto lease = pool.lease();
    auto queue = makeQueue(openImage(image, 4096), engine, 2, {});
    if (queue == nullptr) continue;
    queue->submit({IoRequest::Kind::write, (1 << 20) - 4096, lease->memory(), 1});
    queue->submit({IoRequest::Kind::write, 512, lease->memory(), 2});
    queue->submit({IoRequest::Kind::read, 0, lease->memory().first(512), 3});
    auto completions = waitForAll(*queue);
    CHECK(completions.size() == 3);
    for (const IoCompletion& completion : completions) CHECK(completion.status.code() == ErrorCode::DEVICE_RANGE);
  }
}

TEST_CASE("a device that ends early is told with the offset where it does") {
  TemporaryImage image(1 << 20);
  auto device = openImage(image);
  REQUIRE(::truncate(image.path().c_str(), 4096) == 0);
  BufferPool pool(1, kBufferBytes);
  auto lease = pool.lease();
  for (IoEngine engine : {IoEngine::threads, IoEngine::uring}) {
    auto queue = makeQueue(device, engine, 2, {});
    if (queue == nullptr) continue;
    queue->submit({IoRequest::Kind::read, 0, lease->memory(), 1});
    auto completions = waitForAll(*queue);
    REQUIRE(completions.size() == 1);
    // The file ends early: the first part comes, the rest is named.
    CHECK(completions[0].status.code() == ErrorCode::DEVICE_READ_FAILED);
    CHECK(completions[0].status.message().find("offset 4096") != std::string::npos);
  }
}

TEST_CASE("without a block device the automatic engine is threads, and io_uring is refused") {
  auto memory = std::make_shared<MemorySectors>(1 << 20, 512);
  CHECK(makeIoQueue(memory, {IoEngine::automatic, 4, {}}).value()->engineName() == "threads");
  CHECK(makeIoQueue(memory, {IoEngine::uring, 4, {}}).status().code() == ErrorCode::DEVICE_UNSUPPORTED);
}

TEST_CASE("the failure of one request leaves the others alone") {
  auto faulty = std::make_shared<FaultySectors>(std::make_shared<MemorySectors>(1 << 20, 512));
  faulty->unwritable.push_back({3 * kBufferBytes, 512, ENOSPC});
  BufferPool pool(1, kBufferBytes);
  auto lease = pool.lease();
  auto queue = makeQueue(faulty, IoEngine::threads, 4, {});
  for (uint64_t tag = 0; tag < 8; tag++)
    queue->submit({IoRequest::Kind::write, tag * kBufferBytes, lease->memory(), tag});
  for (const IoCompletion& completion : waitForAll(*queue))
    CHECK(completion.status.code() == (completion.tag == 3 ? ErrorCode::DEVICE_FULL : ErrorCode::OK));
}

}  // namespace diskferry
