#include "io/io_queue.h"

#include <algorithm>

#include "io/block_device.h"
#include "io/thread_queue.h"
#include "io/uring_queue.h"

namespace diskferry {

namespace {

// More threads than this only contend: 4 already reach a fast device with requests of 1 MiB.
constexpr size_t kThreadsMax = 8;

}  // namespace

Result<std::unique_ptr<IoQueue>> makeIoQueue(std::shared_ptr<Sectors> device, const IoQueueOptions& options) {
  if (options.engine != IoEngine::threads) {
    auto block = std::dynamic_pointer_cast<BlockDevice>(device);
    Result<std::unique_ptr<IoQueue>> made =
        block == nullptr ? Status(ErrorCode::DEVICE_UNSUPPORTED, "io_uring needs a file descriptor")
                         : UringQueue::make(std::move(block), options);
    if (made.isOk() || options.engine == IoEngine::uring) return made;
  }
  return std::unique_ptr<IoQueue>(
      std::make_unique<ThreadQueue>(std::move(device), std::min(options.depth, kThreadsMax)));
}

}  // namespace diskferry
