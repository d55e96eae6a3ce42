// Many reads or writes of one device in flight at once. io_uring where the kernel allows it (it halves the CPU cost and
// is several times faster for small requests), threads with pread and pwrite elsewhere; both behave alike.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sectors.h"

namespace diskferry {

struct IoRequest {
  enum class Kind { read, write };
  Kind kind = Kind::read;
  uint64_t offsetBytes = 0;     // whole sectors
  std::span<std::byte> memory;  // 4096-aligned; the caller keeps it until the completion, and only reads it meanwhile
  uint64_t tag = 0;             // comes back with the completion
};

struct IoCompletion {
  uint64_t tag = 0;
  Status status;  // the whole request was done, or why not
};

// submit() and wait() belong to one thread, always the same; wake() may come from any. The destructor waits for
// what is in flight.
class IoQueue {
 public:
  virtual ~IoQueue() = default;
  IoQueue(const IoQueue&) = delete;
  IoQueue& operator=(const IoQueue&) = delete;

  // Accepts any number; those beyond the depth wait inside. Short transfers are continued.
  virtual void submit(const IoRequest& request) = 0;
  // Appends what is finished to `completions`. When nothing is, waits for a completion or for wake().
  virtual void wait(std::vector<IoCompletion>& completions) = 0;
  // Makes the current or the next wait() return.
  virtual void wake() = 0;
  virtual size_t inFlight() const = 0;
  // "uring-fixed", "uring", "threads".
  virtual std::string_view engineName() const = 0;

 protected:
  IoQueue() = default;
};

enum class IoEngine { automatic, uring, threads };

struct IoQueueOptions {
  IoEngine engine = IoEngine::automatic;
  size_t depth = 8;
  // Registered with the kernel where RLIMIT_MEMLOCK allows it: requests inside it need no page pinning.
  std::span<std::byte> memory;
};

// `automatic` probes; it takes threads when io_uring is missing or forbidden, or when `device` is no BlockDevice with
// O_DIRECT. `uring` fails with DEVICE_UNSUPPORTED instead. To be called by the thread that will submit.
Result<std::unique_ptr<IoQueue>> makeIoQueue(std::shared_ptr<Sectors> device, const IoQueueOptions& options);

}  // namespace diskferry
