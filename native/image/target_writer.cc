#include "image/target_writer.h"

#include <cstring>

#include "image/zeros.h"
#include "io/block_device.h"

namespace diskferry::image {

namespace {

constexpr size_t kDepth = 8;
// Blocks of zeros need no buffer; this many may wait.
constexpr size_t kUnfinishedMax = 64;
constexpr size_t kCompareBuffers = 6;

// A queue only reads the memory of a write.
std::span<std::byte> writable(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

TargetWriter::TargetWriter(TargetOptions options) : options_(std::move(options)) {
  if (isComparedFirst()) compareBuffers_ = std::make_unique<BufferPool>(kCompareBuffers, kBlockBytes);
}

TargetWriter::~TargetWriter() {
  close(false);
  join();
}

void TargetWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void TargetWriter::join() {
  if (thread_.joinable()) thread_.join();
}

bool TargetWriter::isFailed() const {
  std::lock_guard lock(mutex_);
  return isFailed_;
}

void TargetWriter::put(BlockPtr block) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return isFailed_ || unfinished_ < kUnfinishedMax; });
  if (isFailed_) return;
  unfinished_++;
  inbox_.push_back(std::move(block));
  if (queue_ != nullptr) queue_->wake();
}

void TargetWriter::close(bool commit) {
  std::lock_guard lock(mutex_);
  if (isClosed_) return;
  isClosed_ = true;
  isCommitted_ = commit;
  if (queue_ != nullptr) queue_->wake();
}

void TargetWriter::fail(const Status& status) {
  std::deque<BlockPtr> dropped;
  {
    std::lock_guard lock(mutex_);
    if (isFailed_) return;
    isFailed_ = true;
    dropped.swap(inbox_);
    room_.notify_all();
  }
  options_.failed(status);
}

void TargetWriter::done() {
  std::lock_guard lock(mutex_);
  unfinished_--;
  room_.notify_all();
}

void TargetWriter::run() {
  auto made = compareBuffers_ != nullptr && !compareBuffers_->isValid()
                  ? Status(ErrorCode::OUT_OF_MEMORY, "no memory for comparing")
                  : makeIoQueue(options_.device,
                                {options_.ioEngine, kDepth,
                                 compareBuffers_ != nullptr ? compareBuffers_->slab() : options_.contentMemory});
  if (!made.isOk()) return fail(made.status());
  std::unique_ptr<IoQueue> queue = made.take();
  {
    std::lock_guard lock(mutex_);
    queue_ = queue.get();
  }
  work(*queue);
  {
    std::lock_guard lock(mutex_);
    queue_ = nullptr;
    if (isFailed_ || !isCommitted_ || options_.isCompared) return;
  }
  if (Status status = commit(); !status.isOk()) fail(status);
}

void TargetWriter::work(IoQueue& queue) {
  std::deque<BlockPtr> blocks;
  std::vector<IoCompletion> completions;
  while (true) {
    bool isEnding = false;
    {
      std::lock_guard lock(mutex_);
      isEnding = isClosed_ || isFailed_;
      for (; !inbox_.empty(); inbox_.pop_front()) blocks.push_back(std::move(inbox_.front()));
      if (isFailed_ || (isClosed_ && !isCommitted_)) blocks.clear();
    }
    while (!blocks.empty() && inFlight_.size() < 2 * kDepth) {
      const BlockPtr block = blocks.front();
      const bool needsBuffer = isComparedFirst() && inFlight_.size() >= kCompareBuffers;
      if (needsBuffer) break;
      blocks.pop_front();
      if (Status status = begin(queue, block); !status.isOk()) {
        fail(status);
        blocks.clear();
      }
    }
    if (queue.inFlight() == 0 && blocks.empty()) {
      if (isEnding) return;
    }
    completions.clear();
    queue.wait(completions);
    for (const IoCompletion& completion : completions)
      if (Status status = finish(queue, completion); !status.isOk()) fail(status);
  }
}

size_t TargetWriter::lengthOnDevice(const Block& block) const {
  const size_t sector = options_.device->sectorBytes();
  return (block.content.size() + sector - 1) / sector * sector;
}

// `block` is done, or in flight, when it returns.
Status TargetWriter::begin(IoQueue& queue, const BlockPtr& block) {
  const bool isLeftAlone = block->isZeros && options_.zeros == ZerosMode::skip;
  if (block->number == 0 && !options_.isCompared) {
    first_ = block;
    done();
    return options_.resume ? Status::ok() : prepareForWriting();
  }
  if (isLeftAlone) {
    done();
    return Status::ok();
  }
  if (!isComparedFirst()) return write(queue, block);
  auto buffer = compareBuffers_->tryLease();
  if (!buffer.has_value()) return Status(ErrorCode::INTERNAL, "comparing has no buffer");
  const std::span<std::byte> memory = buffer->memory().first(lengthOnDevice(*block));
  submit(queue, IoRequest::Kind::read, memory, {block, std::move(*buffer)});
  return Status::ok();
}

void TargetWriter::submit(IoQueue& queue, IoRequest::Kind kind, std::span<std::byte> memory, InFlight work) {
  const uint64_t offset = work.block->offsetBytes();
  inFlight_.emplace(nextTag_, std::move(work));
  queue.submit({kind, offset, memory, nextTag_++});
}

Status TargetWriter::write(IoQueue& queue, BlockPtr block) {
  DISKFERRY_TRY(prepareForWriting());
  if (block->isZeros && canZero_) {
    const Status zeroed = zero(*block);
    canZero_ = zeroed.code() != ErrorCode::DEVICE_UNSUPPORTED;
    if (canZero_) {
      done();
      return zeroed;
    }
  }
  // Behind the content its buffer is zeros up to the end of the sector.
  const std::span<const std::byte> bytes(block->content.data(), lengthOnDevice(*block));
  submit(queue, IoRequest::Kind::write, writable(bytes), {std::move(block), {}});
  return Status::ok();
}

Status TargetWriter::zero(const Block& block) {
  auto* device = dynamic_cast<BlockDevice*>(options_.device.get());
  if (device == nullptr) return Status(ErrorCode::DEVICE_UNSUPPORTED, "this target cannot zero ranges");
  const bool isDiscarded = options_.zeros == ZerosMode::discard;
  return device->zero(block.offsetBytes(), lengthOnDevice(block),
                      isDiscarded ? Zeroing::givesBackRoom : Zeroing::keepsRoom);
}

Status TargetWriter::prepareForWriting() {
  if (isPrepared_ || first_ == nullptr) return Status::ok();
  isPrepared_ = true;
  DISKFERRY_TRY(options_.device->write(0, sharedZeros().first(lengthOnDevice(*first_))));
  return options_.device->flush();
}

Status TargetWriter::finish(IoQueue& queue, const IoCompletion& completion) {
  InFlight work = std::move(inFlight_.extract(completion.tag).mapped());
  if (!work.compared.isHeld()) {
    done();
    return completion.status;
  }
  const std::span<const std::byte> content = work.block->content;
  const bool isEqual =
      completion.status.isOk() && std::memcmp(work.compared.memory().data(), content.data(), content.size()) == 0;
  work.compared.release();
  if (!isEqual && !options_.isCompared) return isFailed() ? Status::ok() : write(queue, std::move(work.block));
  done();
  if (!completion.status.isOk()) return completion.status;
  if (!isEqual) options_.differs(work.block->number);
  return Status::ok();
}

Status TargetWriter::commit() {
  if (isPrepared_) DISKFERRY_TRY(options_.device->flush());
  if (first_ == nullptr) return Status::ok();
  DISKFERRY_TRY(options_.device->write(0, {first_->content.data(), lengthOnDevice(*first_)}));
  return options_.device->flush();
}

}  // namespace diskferry::image
